"""What an app brings of packages is installed for it alone: wheels, by their hashes, from no other place than the machine's index."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from madang.base.errors import BadRequest, TooLarge
from madang.engine.privilege import own
from madang.engine.temporary import scratch
from madang.runtime import venvs
from madang.runtime.sandbox import probe
from madang.runtime.venvs import build, check_lock
from tests.runtime.test_host import Place
from tests.waiting import until

HASH = f" --hash=sha256:{'0' * 64}"


def wheel(folder: Path) -> str:
    """A package `greeting` as a wheel; gives its hash."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "greeting-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("greeting.py", "WORDS = 'hello from my own package'\n")
        made.writestr("greeting-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
        made.writestr(
            "greeting-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        made.writestr("greeting-1.0.dist-info/RECORD", "greeting.py,,\ngreeting-1.0.dist-info/METADATA,,\n")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The hash of the only wheel of a machine without internet."""
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        monkeypatch.setenv(name, str(tmp_path / "wheels"))
    for name in ("PIP_NO_INDEX", "UV_NO_INDEX"):
        monkeypatch.setenv(name, "1")
    return wheel(tmp_path / "wheels")


def locked(tmp_path: Path, text: str) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "requirements.lock").write_text(text)
    return folder


async def test_without_a_lock_there_is_no_environment(tmp_path: Path) -> None:
    assert await build(tmp_path, tmp_path / "venv") == ""
    assert not (tmp_path / "venv").exists()


async def test_another_hash_is_not_installed_and_nothing_stays(tmp_path: Path, index: str) -> None:
    with pytest.raises(BadRequest, match=r"requirements\.lock"):
        await build(locked(tmp_path, f"greeting==1.0{HASH}\n"), tmp_path / "venv")
    assert not (tmp_path / "venv").exists()


async def test_what_is_too_large_does_not_stay(tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venvs, "APP_VENV_MAX_BYTES", 10)
    with pytest.raises(TooLarge):
        await build(locked(tmp_path, f"greeting==1.0 --hash=sha256:{index}\n"), tmp_path / "venv")
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize(
    "line",
    [
        f"--index-url https://evil.example.org\ngreeting==1.0{HASH}",
        f"--extra-index-url https://evil.example.org\ngreeting==1.0{HASH}",
        f"-r other.txt\ngreeting==1.0{HASH}",
        f"greeting @ https://evil.example.org/greeting.whl{HASH}",
        f"./greeting.whl{HASH}",
        f"-e .{HASH}",
        "greeting==1.0",
        f"greeting>=1.0{HASH}",
        f"greeting==1.0{HASH} --index-url https://evil.example.org",
        "greeting==1.0 --hash=md5:0",
    ],
)
def test_a_lock_names_versions_and_hashes_and_nothing_else(line: str) -> None:
    with pytest.raises(BadRequest, match="is not name==version with hashes"):
        check_lock(line)


def test_our_own_locks_are_such() -> None:
    root = Path(__file__).resolve().parents[2]
    for name in ("kernel", "check"):
        check_lock((root / "requirements" / f"{name}.lock").read_text(encoding="utf-8"))


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    folder = scratch("madang-venv-")
    place = Place(folder.path)
    place.host.open()
    yield place
    await place.supervisor.stop()
    await place.host.close()
    folder.remove()


@pytest.mark.skipif(probe() < 3, reason="this machine has not every wall, or this user is not root")
async def test_an_app_has_its_own_packages_behind_the_same_walls(place: Place, tmp_path: Path, index: str) -> None:
    folder = own(place.run_dir / "locked", 0, 0o755)
    (folder / "requirements.lock").write_text(f"greeting==1.0 \\\n    --hash=sha256:{index}\n")
    venv = place.run_dir / "venv"
    python = await build(folder, venv)
    code = """
import greeting, madang.sdk
print(greeting.WORDS, sys.prefix, flush=True)
attempt("socket", socket.socket)
attempt("passwd", lambda: open("/etc/passwd").read())
time.sleep(60)
"""
    await place.start("locked", code, python=python, links=[str(venv)])
    await until(place.says("locked", "passwd"), "it has tried")
    assert place.printed("locked").splitlines() == [
        f"hello from my own package {venv}", "socket PermissionError", "passwd PermissionError",
    ]  # fmt: skip
