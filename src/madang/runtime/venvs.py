"""A virtual environment for an app that brings `requirements.lock`: wheels only, each with its hash, bounded in size and time."""

from __future__ import annotations

import asyncio
import contextlib
import os
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
    "PATH",
    "HOME",
    "PIP_INDEX_URL",
    "PIP_CERT",
    "UV_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "SSL_CERT_FILE",
    "UV_CACHE_DIR",
)


async def build(folder: Path, target: Path) -> str:
    """The interpreter of the environment that `folder`'s lock file asks for; nothing without one. What the lock does not name is
    not installed. Raises BadRequest with the installer's words, TooLarge, Unavailable."""
    lock = folder / LOCK
    if not lock.is_file():
        return ""
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    try:
        async with asyncio.timeout(APP_VENV_S):
            await _run([sys.executable, "-m", "venv", "--without-pip", str(target)])
            python = target / "bin" / "python"
            await _run(_installer(python, lock))
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


def _installer(python: Path, lock: Path) -> list[str]:
    common = ["--require-hashes", "--only-binary", ":all:", "-r", str(lock)]
    uv = shutil.which("uv")
    if uv is not None:
        return [uv, "pip", "install", "--quiet", "--no-config", "--link-mode", "copy", "--python", str(python), *common]
    return [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--disable-pip-version-check",
        *common,
    ]


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
        raise BadRequest(f"requirements.lock: {output.decode('utf-8', 'replace').strip()[-1_500:]}")


def _add_sdk(target: Path) -> None:
    """The SDK and what it needs, after the app's own packages: of two versions the app's counts."""
    found = sysconfig.get_path("purelib", vars={"base": str(target), "platbase": str(target)})
    kernel = [str(Path(__file__).resolve().parents[2]), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    (Path(found) / "madang-sdk.pth").write_text("".join(f"{one}\n" for one in dict.fromkeys(kernel)), encoding="utf-8")
