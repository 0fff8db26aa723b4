"""Engines and apps never run as root: which user they get, and folders that user may reach."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from madang.base.errors import Unavailable

ENGINE_UID = 65534
APP_UID = 65533
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def drop_args(uid: int) -> dict[str, Any]:
    """Arguments for subprocess that make the child run as `uid` when we are root."""
    return {"user": uid, "group": uid, "extra_groups": []} if is_root() else {}


def die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """What a new process calls to be sent `number` by the kernel when its parent dies. A change of user undoes it."""
    libc = _LIBC  # looked up before the fork
    return (lambda: None) if libc is None else (lambda: libc.prctl(1, int(number)))


def own(path: Path, uid: int, mode: int = 0o700) -> Path:
    """Makes the folder, gives it to `uid` when we are root."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)
    if is_root():
        os.chown(path, uid, uid)
    return path


def reachable(path: Path) -> bool:
    """Whether a user without rights can read `path`."""
    if not is_root():
        return os.access(path, os.R_OK)
    passable = all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)
    return passable and bool(path.stat().st_mode & 0o004)


def reachable_copy(source: Path, target: Path) -> Path:
    """`source`, or a copy of it at `target` when the dropped user cannot run it where it is (a venv under a 0700 home)."""
    if reachable(source):
        return source
    done = target.with_name(target.name + ".complete")
    if not done.exists():
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, symlinks=True)
        else:
            shutil.copy2(source, target)
        _open_up(target)
        done.touch()
    return target


def _open_up(tree: Path) -> None:
    for entry in [tree, *tree.rglob("*")]:
        if not entry.is_symlink():
            runnable = entry.is_dir() or os.access(entry, os.X_OK)
            entry.chmod(0o755 if runnable else 0o644)


def shared_bin_dir(label: str) -> Path:
    """A root-owned folder everyone may read, for copies of binaries. Raises Unavailable when it is somebody else's."""
    folder = Path("/var/tmp") / f"madang-bin-{os.getuid()}-{label}"  # noqa: S108 - its owner is checked
    if is_root():
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        if folder.stat().st_uid != 0:
            raise Unavailable(f"{folder} belongs to somebody else")
    return folder


def require_passable(folder: Path) -> None:
    """Raises Unavailable when the dropped user could not enter `folder`, naming the closed parent."""
    if is_root():
        for parent in folder.resolve().parents:
            if parent.exists() and not parent.stat().st_mode & 0o001:
                raise Unavailable(
                    f"{parent} is closed to the unprivileged user of the database: choose another MADANG_HOME"
                )
