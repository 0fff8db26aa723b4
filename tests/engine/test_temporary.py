"""Folders of processes: gone at a clean stop, swept when their owner is surely dead, left alone in every other case."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from madang.base.errors import Unavailable
from madang.engine.privilege import ENGINE_UID, is_root
from madang.engine.temporary import OwnedFolder, scratch, sockets_of, sweep

OWNER = """
import sys
from pathlib import Path
from madang.engine.privilege import ENGINE_UID, is_root
from madang.engine.temporary import OwnedFolder
OwnedFolder(Path(sys.argv[1])).hold()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def owner(temporary: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds `mine-1`."""
    argv = [sys.executable, "-c", OWNER, str(temporary / "mine-1")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_folder_in_use_is_neither_taken_nor_swept(temporary: Path, owner: subprocess.Popen[str]) -> None:
    with pytest.raises(Unavailable):
        OwnedFolder(temporary / "mine-1").hold()
    assert (sweep("mine-"), (temporary / "mine-1").exists()) == ([], True)


def test_a_dead_owners_folder_is_swept(temporary: Path, owner: subprocess.Popen[str]) -> None:
    owner.kill()
    owner.wait()
    assert (sweep("mine-"), (temporary / "mine-1").exists()) == ([temporary / "mine-1"], False)


def test_a_dead_owners_folder_stays_while_somebody_answers_in_it(temporary: Path, owner: subprocess.Popen[str]) -> None:
    owner.kill()
    owner.wait()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(temporary / "mine-1" / "s"))
        door.listen()
        assert sweep("mine-") == []
    assert sweep("mine-") == [temporary / "mine-1"]


def test_what_has_no_lock_or_another_name_is_not_ours(temporary: Path) -> None:
    (temporary / "mine-2").mkdir()
    (temporary / "else").mkdir()
    (temporary / "else" / "owner.lock").touch()
    (temporary / "mine-3").symlink_to(temporary / "else")
    assert (sweep("mine-"), sorted(path.name for path in temporary.iterdir())) == ([], ["else", "mine-2", "mine-3"])


def test_an_owner_takes_its_folder_again_and_leaves_nothing(temporary: Path) -> None:
    folder = sockets_of(temporary / "run")
    folder.hold()
    folder.hold()
    (folder.path / "db").mkdir()
    folder.remove()
    folder.remove()
    again = sockets_of(temporary / "run")
    again.hold()
    again.remove()
    assert list(temporary.iterdir()) == []


def test_a_scratch_folder_sweeps_those_before_it(temporary: Path, owner: subprocess.Popen[str]) -> None:
    owner.kill()
    owner.wait()
    folder = scratch("mine-")
    assert list(temporary.iterdir()) == [folder.path]
    folder.remove()


@pytest.mark.skipif(not is_root(), reason="only root could give a folder away")
def test_a_folder_of_an_older_madang_is_taken_when_nobody_answers_in_it(temporary: Path) -> None:
    folder = temporary / "mine-1"
    folder.mkdir()
    (folder / "left").touch()
    os.chown(folder, ENGINE_UID, ENGINE_UID)
    with socket.socket(socket.AF_UNIX) as database:
        database.bind(str(folder / "s"))
        database.listen()
        with pytest.raises(Unavailable):
            OwnedFolder(folder).hold()
    OwnedFolder(folder).hold()
    assert sorted(path.name for path in folder.iterdir()) == ["owner.lock"]
