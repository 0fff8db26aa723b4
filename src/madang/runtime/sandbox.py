"""What an app's process may touch, by the strongest means this machine has.

Levels, each with what those below it have: 0 = address space, size of files and open files are bounded; 1 = a user of its own;
2 = Landlock (files: only Python and its own folders; TCP closed) and a filter of system calls (every socket but local ones);
3 = all of these, and memory, processor and processes bounded by a control group. The level reached is shown to people.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import struct
from pathlib import Path

import msgspec

from madang.base.errors import BadRequest
from madang.engine.privilege import APP_UID
from madang.runtime import landlock, seccomp
from madang.runtime.cgroups import Tree, open_tree
from madang.runtime.landlock import call

_LIBC = ctypes.CDLL(None, use_errno=True)
_CAPSET = {"x86_64": 126, "aarch64": 91}.get(platform.machine(), 0)
_CAP_DAC_READ_SEARCH = 2
_NEW_NETWORK = 0x40000000
ADDRESS_SPACE_BYTES = 2 * 1024 * 1024 * 1024  # where nothing else bounds memory
ADDRESS_SPACE_IN_GROUP_BYTES = 16 * 1024 * 1024 * 1024
FILE_MAX_BYTES = 64 * 1024 * 1024
PROCESSES_MAX = 64
FILES_MAX = 256
LEVEL_MAX = 3
WASM = ".wasm"
"""How the entry of an app ends whose logic is one WebAssembly module. It has no system to call: what the kernel lacks in walls it
does not miss."""


class Confinement(msgspec.Struct, frozen=True):
    """What one app's process gets. `entrances`: files of its control group; without them memory is bounded by `address_space_bytes`."""

    uid: int
    readable: list[str]
    writable: list[str]
    entrances: list[str] = []
    file_max_bytes: int = FILE_MAX_BYTES
    processes_max: int = PROCESSES_MAX
    address_space_bytes: int = ADDRESS_SPACE_BYTES


def level_for(entry: str, machine: int) -> int:
    """The level that an app of this entry gets on a machine of that level."""
    return LEVEL_MAX if entry.endswith(WASM) else machine


def locks_files() -> bool:
    return landlock.landlock_abi() >= landlock.NEEDED_ABI and seccomp.can_filter()


def level(groups: Tree | None = None) -> int:
    """The level an app started now would reach."""
    is_root = os.geteuid() == 0
    if locks_files():
        return 3 if is_root and groups is not None else 2
    return 1 if is_root else 0


def probe() -> int:
    """The level that this machine has for this user, tried out."""
    groups = open_tree(f"madang-probe-{os.getpid()}") if os.geteuid() == 0 else None
    found = level(groups)
    if groups is not None:
        groups.remove()
    return found


def leave_the_network() -> bool:
    """Whether this process, and what it starts, is in a network of its own from now on, with no way out."""
    return os.geteuid() == 0 and _LIBC.unshare(_NEW_NETWORK) == 0


def enter(wall: Confinement) -> None:
    """Confines this process for good. Raises OSError when a step fails: better no app than an open one."""
    for entrance in wall.entrances:
        Path(entrance).write_text(str(os.getpid()))
    space = ADDRESS_SPACE_IN_GROUP_BYTES if wall.entrances else wall.address_space_bytes
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    resource.setrlimit(resource.RLIMIT_FSIZE, (wall.file_max_bytes, wall.file_max_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_MAX, FILES_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
    with contextlib.suppress(ValueError):  # a container that allows none at all
        resource.setrlimit(resource.RLIMIT_MSGQUEUE, (0, 0))
    locked = locks_files()
    if os.geteuid() == 0:
        _drop(wall.uid, keep_read=locked)
        if not wall.entrances:  # a group counts them better, and tells
            resource.setrlimit(resource.RLIMIT_NPROC, (wall.processes_max, wall.processes_max))
    if locked:
        landlock.restrict([Path(one) for one in wall.readable], [Path(one) for one in wall.writable])
        seccomp.restrict()


def _drop(uid: int, *, keep_read: bool) -> None:
    """Becomes `uid`, in the group that may knock at the door. With Landlock the right to pass closed folders is kept, since
    Landlock decides which folders at all: Python itself may lie under root's home."""
    if keep_read and _CAPSET:
        call(_LIBC.prctl(8, 1, 0, 0, 0), "PR_SET_KEEPCAPS")
    os.setgroups([])
    os.setresgid(APP_UID, APP_UID, APP_UID)
    os.setresuid(uid, uid, uid)
    if keep_read and _CAPSET:
        header = ctypes.create_string_buffer(struct.pack("<Ii", 0x20080522, 0))
        data = ctypes.create_string_buffer(struct.pack("<6I", *[1 << _CAP_DAC_READ_SEARCH] * 3, 0, 0, 0))
        call(_LIBC.syscall(_CAPSET, header, data), "capset")
        # So that Python can be started again by the app itself.
        call(_LIBC.prctl(47, 2, _CAP_DAC_READ_SEARCH, 0, 0), "PR_CAP_AMBIENT_RAISE")


def floor_of(text: str) -> int:
    """What `MADANG_APP_FLOOR` says. Raises BadRequest."""
    if text not in ("", "0", "1", "2", "3"):
        raise BadRequest("MADANG_APP_FLOOR is a level of sandbox, 0 to 3")
    return int(text or 0)
