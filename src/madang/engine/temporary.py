"""Folders in the temporary folder that belong to one process: gone with it at a clean stop, else at a later start of another.

The owner holds a lock on a file inside; the kernel lets go of it at any death.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from stat import S_ISDIR

from madang.base.errors import Unavailable
from madang.engine.privilege import ENGINE_UID, is_root

_LOCK = "owner.lock"


class OwnedFolder:
    """A folder that an unprivileged user may pass."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: int | None = None

    def hold(self) -> None:
        """Makes it this process's, and does nothing when it is. Raises Unavailable when it is another's."""
        while self._held is None:
            _clear_old(self.path)
            self.path.mkdir(mode=0o711, exist_ok=True)
            if self.path.stat().st_uid != os.getuid():
                raise Unavailable(f"{self.path} belongs to another user")
            self.path.chmod(0o711)
            self._held = _take(self.path)
            if self._held is None and (self.path / _LOCK).exists():
                raise Unavailable(f"{self.path} is in use by another madang")

    def remove(self) -> None:
        """With all that is in it; does nothing when it is not held."""
        if self._held is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._held)
            self._held = None


def sockets_of(run_dir: Path) -> OwnedFolder:
    """Where an instance's unix sockets are: not in `run_dir`, as an address holds 107 bytes, and its parents may be closed."""
    digest = hashlib.sha256(str(run_dir.resolve()).encode()).hexdigest()[:12]
    return OwnedFolder(Path(tempfile.gettempdir()) / f"madang-{os.getuid()}-{digest}")


def scratch(prefix: str) -> OwnedFolder:
    """A new folder `<prefix>...` for what need not outlive this process; those of processes that died are removed."""
    sweep(prefix)
    folder = OwnedFolder(Path(tempfile.mkdtemp(prefix=prefix)))
    folder.hold()
    return folder


def sweep(prefix: str = f"madang-{os.getuid()}-") -> list[Path]:
    """Removes the folders of this user that begin so and whose owner is surely dead: nobody holds the lock, and nobody answers
    at a socket inside. What has no such lock is not ours. Answers what was removed."""
    removed = []
    for path in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):
            if path.is_symlink() or path.stat().st_uid != os.getuid() or not (path / _LOCK).is_file():
                continue
            held = _take(path)
            if held is None:
                continue
            if not any(map(_answers, path.rglob("*"))):
                shutil.rmtree(path, ignore_errors=True)
                removed.append(path)
            os.close(held)
    return removed


def _clear_old(path: Path) -> None:
    """Before there were locks, root gave the folder to the user it starts the database as; one whose database is gone may go."""
    with suppress(FileNotFoundError):
        stat = path.lstat()
        ours = is_root() and stat.st_uid == ENGINE_UID and S_ISDIR(stat.st_mode)
        if ours and not any(map(_answers, path.rglob("*"))):
            shutil.rmtree(path, ignore_errors=True)


def _take(folder: Path) -> int | None:
    """The lock on the folder's own file, None when another has it or the folder went away meanwhile."""
    file = folder / _LOCK
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(handle), file.stat()):
            return handle
    except OSError:
        pass
    os.close(handle)
    return None


def _answers(path: Path) -> bool:
    if not path.is_socket():
        return False
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(1)
        try:
            caller.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True
    return True
