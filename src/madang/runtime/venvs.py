"""A virtual environment for an app that brings `requirements.lock`: wheels only, each with its hash, bounded in size and time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import sys
import sysconfig
from pathlib import Path

from madang.base.errors import BadRequest, TooLarge, Unavailable
from madang.base.limits import APP_VENV_MAX_BYTES, APP_VENV_S
from madang.runtime.storage import size_of

LOCK = "requirements.lock"
_PASSED = (
    "PATH", "HOME", "SSL_CERT_FILE", "PIP_INDEX_URL", "PIP_CERT", "PIP_FIND_LINKS", "PIP_NO_INDEX", "UV_INDEX_URL", "UV_DEFAULT_INDEX",
    "UV_CACHE_DIR", "UV_FIND_LINKS", "UV_NO_INDEX",
)  # fmt: skip
_LOCKED = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9._, -]+\])? ?== ?[A-Za-z0-9.!+_-]+"
    r"( ?;[A-Za-z0-9_ .'\"<>=!()-]{1,300}?)?( --hash=sha256:[0-9a-f]{64})+"
)


async def build(folder: Path, target: Path) -> str:
    """The interpreter of the environment that `folder`'s lock file asks for; nothing without one. What the lock does not name is
    not installed. Raises BadRequest with the installer's words, TooLarge, Unavailable."""
    lock = folder / LOCK
    if not lock.is_file():
        return ""
    check_lock(lock.read_text(encoding="utf-8", errors="replace"))
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    python, uv = target / "bin" / "python", shutil.which("uv")
    try:
        async with asyncio.timeout(APP_VENV_S):
            await _run([sys.executable, "-m", "venv", *(["--without-pip"] if uv is not None else []), str(target)])
            await _run(_installer(uv, python, lock))
        if await asyncio.to_thread(size_of, target) > APP_VENV_MAX_BYTES:
            raise TooLarge(f"what an app needs has {APP_VENV_MAX_BYTES} bytes at most")
    except TimeoutError:
        shutil.rmtree(target, ignore_errors=True)
        raise Unavailable(f"what the app needs could not be installed within {APP_VENV_S} s") from None
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    _add_sdk(target)
    return str(python)


def check_lock(text: str) -> None:
    """Names, versions and hashes, and nothing else: no option that leads to another index, no address, no file. Raises BadRequest."""
    for line in text.replace("\\\n", " ").splitlines():
        said = " ".join(line.partition("#")[0].split())
        if said and not _LOCKED.fullmatch(said):
            raise BadRequest(f"{LOCK}: {said[:100]!r} is not name==version with hashes")


def _installer(uv: str | None, python: Path, lock: Path) -> list[str]:
    common = ["--require-hashes", "--only-binary", ":all:", "-r", str(lock)]
    if uv is not None:
        return [uv, "pip", "install", "--quiet", "--no-config", "--link-mode", "copy", "--python", str(python), *common]
    return [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *common]


async def _run(argv: list[str]) -> None:
    env = {name: os.environ[name] for name in _PASSED if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *argv, env=env, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    try:
        output, _ = await process.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        raise BadRequest(f"{LOCK}: {output.decode('utf-8', 'replace').strip()[-1_500:]}")


def _add_sdk(target: Path) -> None:
    """The SDK and what it needs, after the app's own packages: of two versions the app's counts."""
    found = sysconfig.get_path("purelib", vars={"base": str(target), "platbase": str(target)})
    kernel = [str(Path(__file__).resolve().parents[2]), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    (Path(found) / "madang-sdk.pth").write_text("".join(f"{one}\n" for one in dict.fromkeys(kernel)), encoding="utf-8")
