"""The tests that a package brings, run in the runtime's sandbox: they are code of strangers too.

`python -m madang.store.review.trial FOLDER PACKAGE DATA` is the confined process; it needs pytest beside Madang."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import sys
from pathlib import Path

from madang.base.limits import STORE_TESTS_TIMEOUT_S
from madang.engine.privilege import APP_UID, die_with_parent, own
from madang.runtime.launch import adopt, readable
from madang.runtime.sandbox import Confinement, enter
from madang.store.review.findings import Finding

_SHOWN_CHARS = 2_000
_NO_TESTS = 5  # pytest's exit code when it collected nothing


async def check_tests(folder: Path, package: str, data: Path) -> Finding:
    """`folder` is the unpacked package, `package` the name it is imported by, `data` an empty folder the tests may write to."""
    if not (folder / "tests").is_dir():
        return Finding("tests", "warning", "tests_none")
    if importlib.util.find_spec("pytest") is None:
        return Finding("tests", "absent", "tests_no_pytest")
    own(data, APP_UID)
    argv = [sys.executable, "-m", "madang.store.review.trial", str(folder), package, str(data)]
    env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(data)}
    env |= {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *argv, env=env, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    try:
        told = await asyncio.wait_for(_read(process), STORE_TESTS_TIMEOUT_S)
    except TimeoutError:
        return Finding("tests", "bad", "tests_slow", {"seconds": str(STORE_TESTS_TIMEOUT_S)})
    finally:
        _end(process.pid)
        await process.wait()
    return _finding(process.returncode, told)


async def _read(process: asyncio.subprocess.Process) -> str:
    """The end of what it said, however much that is."""
    kept = b""
    assert process.stdout is not None
    while chunk := await process.stdout.read(64 * 1024):
        kept = (kept + chunk)[-_SHOWN_CHARS:]
    return kept.decode(errors="replace")


def _end(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def _finding(code: int | None, told: str) -> Finding:
    last = next((line for line in reversed(told.splitlines()) if line.strip()), "")
    if code == 0:
        return Finding("tests", "good", "tests_passed", {"summary": last[:200]})
    if code == _NO_TESTS:
        return Finding("tests", "warning", "tests_none")
    return Finding("tests", "bad", "tests_failed", {"summary": last[:200], "output": told})


def main() -> None:
    folder, package, data = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    enter(Confinement(APP_UID, readable(folder), [str(data), "/dev/null"]))
    die_with_parent(signal.SIGKILL)()
    os.chdir(data)
    adopt(folder, package)
    import pytest

    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "--import-mode=importlib",
        f"--rootdir={folder}",
        f"--confcutdir={folder}",
        "-c",
        "/dev/null",
    ]
    raise SystemExit(pytest.main([*options, str(folder / "tests")]))


if __name__ == "__main__":
    main()
