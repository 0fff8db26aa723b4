"""`madang check` and `madang bench`: only in a source checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from madang.base.errors import BadRequest, NotFound

NOT_NIGHTLY = ["-m", "not nightly"]
# Three on two cores: whole houses and browsers wait for processes as often as they compute.
TOGETHER = ["-n", "3", "--dist", "loadfile"]


def root() -> Path:
    """The checkout. Raises BadRequest in an installed wheel."""
    folder = Path(__file__).resolve().parents[3]
    if not (folder / "tests").is_dir():
        raise BadRequest("tests and benches are in the source checkout, not in the wheel")
    return folder


def check(rest: list[str]) -> int:
    """Lint, types, tests; all are run, the first failure decides the exit status. `rest` goes to pytest."""
    folder, began = root(), time.monotonic()
    tool = [sys.executable, "-m"]
    steps = {
        "ruff": [*tool, "ruff", "check", "."],
        "format": [*tool, "ruff", "format", "--check", "."],
        "mypy": [*tool, "mypy"],
        "pytest": [*tool, "pytest", *(rest or [*NOT_NIGHTLY, *TOGETHER])],
    }
    if not rest:
        steps = _page_steps(folder) | steps
    failed = []
    for name, argv in steps.items() if not rest else [("pytest", steps["pytest"])]:
        print(f"== {name}", flush=True)
        if subprocess.run(argv, cwd=folder, check=False).returncode:
            failed.append(name)
    print(
        f"== {'failed: ' + ', '.join(failed) if failed else 'all good'} in {time.monotonic() - began:.0f} s", flush=True
    )
    return 1 if failed else 0


def _page_steps(folder: Path) -> dict[str, list[str]]:
    """Checks of the page's sources, where there is an npm: they also bring axe-core, which the browser tests look for."""
    npm = shutil.which("npm")
    if npm is None:
        print("== no npm on PATH: the page's sources and its accessibility are not checked", flush=True)
        return {}
    prefix = [npm, "--prefix", str(folder / "web")]
    ready = (folder / "web" / "node_modules" / "axe-core").is_dir()
    install = {} if ready else {"npm ci": [*prefix, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]}
    page = {"svelte-check": [*prefix, "run", "--silent", "check"], "vitest": [*prefix, "test", "--silent"]}
    return install | page | _client_steps(npm, folder / "packaging" / "madang-client")


def _client_steps(npm: str, folder: Path) -> dict[str, list[str]]:
    """Makes the TypeScript client of this house's own OpenAPI document, checks what it lets through, and asks by it."""
    prefix = [npm, "--prefix", str(folder)]
    ready = (folder / "node_modules" / "openapi-fetch").is_dir()
    install = (
        {} if ready else {"npm ci (client)": [*prefix, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]}
    )
    return install | {
        "openapi": [sys.executable, "-m", "madang.people.openapi", str(folder / "openapi.json")],
        "client": [*prefix, "run", "--silent", "check"],
        "client test": [*prefix, "test", "--silent"],
    }


def bench(name: str, rest: list[str]) -> int:
    """Runs `bench/NAME.py` with the rest of the command line."""
    folder = root()
    if not name.isidentifier() or not (folder / "bench" / f"{name}.py").is_file():
        known = sorted(path.stem for path in (folder / "bench").glob("*.py") if not path.stem.startswith("_"))
        raise NotFound(f"no bench {name!r}; there are {', '.join(known)}")
    env = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run([sys.executable, "-m", f"bench.{name}", *rest], cwd=folder, env=env, check=False).returncode
