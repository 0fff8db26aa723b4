"""What an app's process may touch, by the strongest means this machine has.

Levels: 2 = Landlock (files: only Python and its own folder; network: only the app door) + own user + limits;
1 = own user + limits; 0 = limits only. The level reached is shown to people.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct
import sys
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_CREATE, _ADD, _RESTRICT, _CAPSET = 444, 445, 446, {"x86_64": 126, "aarch64": 91}.get(platform.machine(), 0)
_READ = (1 << 0) | (1 << 2) | (1 << 3)  # execute, read a file, list a folder
_ALL_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_NET_ALL = 0b11  # bind and connect TCP
_SCOPE_ALL = 0b11  # abstract unix sockets and signals outside of the sandbox
_CAP_DAC_READ_SEARCH = 1 << 2
MEMORY_MAX_BYTES = 2 * 1024 * 1024 * 1024
FILE_MAX_BYTES = 64 * 1024 * 1024
PROCESSES_MAX = 64
FILES_MAX = 256


def landlock_abi() -> int:
    """The Landlock version of this kernel; 0 when there is none."""
    if sys.platform != "linux":
        return 0
    return max(0, int(_LIBC.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))))


def level() -> int:
    """The level an app started now would reach. Below ABI 4 Landlock cannot close the network, so it does not count."""
    if landlock_abi() >= 4:
        return 2
    return 1 if os.geteuid() == 0 else 0


def enter(uid: int, readable: list[Path], writable: list[Path]) -> None:
    """Confines this process for good. Raises OSError when a step fails: better no app than an open one."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX_BYTES, MEMORY_MAX_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_MAX_BYTES, FILE_MAX_BYTES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_MAX, FILES_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    locked = landlock_abi() >= 4
    if os.geteuid() == 0:
        _drop(uid, keep_read=locked)
        resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES_MAX, PROCESSES_MAX))
    if locked:
        _landlock(readable, writable)


def _call(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def _drop(uid: int, *, keep_read: bool) -> None:
    """Becomes `uid`. With Landlock the right to pass closed folders is kept, since Landlock decides which folders at all:
    Python itself may lie under root's home."""
    if keep_read and _CAPSET:
        _call(_LIBC.prctl(8, 1, 0, 0, 0), "PR_SET_KEEPCAPS")
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    if keep_read and _CAPSET:
        header = ctypes.create_string_buffer(struct.pack("<Ii", 0x20080522, 0))
        data = ctypes.create_string_buffer(struct.pack("<6I", _CAP_DAC_READ_SEARCH, _CAP_DAC_READ_SEARCH, 0, 0, 0, 0))
        _call(_LIBC.syscall(_CAPSET, header, data), "capset")


def _landlock(readable: list[Path], writable: list[Path]) -> None:
    abi = landlock_abi()
    everything = _ALL_BY_ABI.get(abi, (1 << 16) - 1)
    fields = [everything, _NET_ALL] + ([_SCOPE_ALL] if abi >= 6 else [])
    attributes = ctypes.create_string_buffer(struct.pack(f"<{len(fields)}Q", *fields), 8 * len(fields))
    ruleset = _call(
        _LIBC.syscall(_CREATE, attributes, ctypes.c_size_t(8 * len(fields)), ctypes.c_uint32(0)), "landlock"
    )
    for path in readable:
        _allow(ruleset, path, _READ)
    for path in writable:
        _allow(ruleset, path, everything)
    _call(_LIBC.prctl(38, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS")
    _call(_LIBC.syscall(_RESTRICT, ruleset, ctypes.c_uint32(0)), "landlock")
    os.close(ruleset)


def _allow(ruleset: int, path: Path, access: int) -> None:
    if not path.exists():
        return
    if not path.is_dir():
        access &= (1 << 0) | (1 << 1) | (1 << 2) | (1 << 14) | (1 << 15)
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    rule = ctypes.create_string_buffer(struct.pack("<Qi", access, handle), 12)
    try:
        _call(_LIBC.syscall(_ADD, ruleset, ctypes.c_int(1), rule, ctypes.c_uint32(0)), f"landlock rule for {path}")
    finally:
        os.close(handle)
