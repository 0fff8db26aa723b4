"""The city as clients see it that nobody here wrote: each call they have for NGSI-LD, and how it went.

    madang bench clients [--json] [--only ngsildclient]

PyPI's `ngsildclient` and `filip` are installed into environments of their own (their pins are not ours), npm's `ngsijs` where there is
an npm; all in a folder that goes afterwards. Ends with 1 when a call fails that is not known to.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

from bench.broker import running

HERE = Path(__file__).resolve().parent / "strangers"
# What cannot work, and why: see docs/conformance.md.
KNOWN = {
    "filip": {"get_statistics (Orion's own)"},
    "ngsildclient": {"query by area"},
    "ngsijs": set[str](),
}


def install(name: str, folder: Path) -> list[str] | None:
    """The beginning of the command that runs its calls, None where its tools are not here."""
    if name == "ngsijs":
        npm, node = shutil.which("npm"), shutil.which("node")
        if npm is None or node is None:
            return None
        quiet = ["--no-audit", "--no-fund", "--silent", "--ignore-scripts"]
        subprocess.run([npm, "install", *quiet, "--prefix", str(folder), name], check=True)
        return [node, str(HERE / "ngsijs_calls.js"), str(folder / "node_modules" / name)]
    python = folder / "bin" / "python"
    uv = shutil.which("uv")
    if uv is not None:
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), name], check=True)
    else:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", name], check=True)
    return [str(python), str(HERE / f"{name}_calls.py")]


async def ask(command: list[str], where: list[str]) -> dict[str, str]:
    process = await asyncio.create_subprocess_exec(*command, *where, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return dict(json.loads(out.decode().strip().splitlines()[-1]))


async def run(names: list[str]) -> dict[str, dict[str, str]]:
    told = {}
    async with running(None) as instance:
        for name in names:
            folder = instance.run_dir / "clients" / name
            folder.parent.mkdir(exist_ok=True)
            command = install(name, folder)
            if command is not None:
                port = str(instance.settings.http_port)
                where = [instance.url.rstrip("/")] if name == "ngsijs" else ["127.0.0.1", port]
                told[name] = await ask(command, where)
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=sorted(KNOWN))
    options = parser.parse_args()
    told = asyncio.run(run([options.only] if options.only else sorted(KNOWN)))
    if options.json:
        print(json.dumps(told))
    failed = 0
    for name, calls in told.items():
        wrong = {call: how for call, how in calls.items() if how != "ok"}
        failed += len(wrong.keys() - KNOWN[name])
        if not options.json:
            print(f"{name}: {len(calls) - len(wrong)} of {len(calls)} calls")
            for call, how in wrong.items():
                print(f"  {call}: {how}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
