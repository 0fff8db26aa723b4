"""Landlock: which files a process may touch, and that it reaches no TCP port, abstract socket or process outside, for good."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from functools import cache
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_READ = (1 << 0) | (1 << 2) | (1 << 3)  # execute, read a file, list a folder
_ALL_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_OF_FILES = (1 << 0) | (1 << 1) | (1 << 2) | (1 << 14) | (1 << 15)
_NET_ALL = 0b11  # bind and connect TCP
_SCOPE_ALL = 0b11  # abstract unix sockets and signals outside of the sandbox
_LOG_NEW_EXEC_ON = 1 << 1  # what an app starts is told of too
NEEDED_ABI = 4
"""Below it Landlock cannot close the network."""


@cache
def landlock_abi() -> int:
    """The Landlock version of this kernel; 0 when there is none."""
    if sys.platform != "linux":
        return 0
    return max(0, int(_LIBC.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))))


def call(result: int, what: str) -> int:
    """Raises OSError for what the C library says of a failed call."""
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def restrict(readable: list[Path], writable: list[Path]) -> None:
    """From now on, also for everything this process starts. Raises OSError."""
    abi = landlock_abi()
    everything = _ALL_BY_ABI.get(abi, (1 << 16) - 1)
    fields = [everything, _NET_ALL] + ([_SCOPE_ALL] if abi >= 6 else [])
    attributes = ctypes.create_string_buffer(struct.pack(f"<{len(fields)}Q", *fields), 8 * len(fields))
    ruleset = call(_LIBC.syscall(_CREATE, attributes, ctypes.c_size_t(8 * len(fields)), ctypes.c_uint32(0)), "landlock")
    for path in readable:
        _allow(ruleset, path, _READ)
    for path in writable:
        _allow(ruleset, path, everything)
    no_new_privileges()
    flags = _LOG_NEW_EXEC_ON if abi >= 7 else 0
    call(_LIBC.syscall(_RESTRICT, ruleset, ctypes.c_uint32(flags)), "landlock")
    os.close(ruleset)


def no_new_privileges() -> None:
    """Programs that change the user (setuid) do not any more. Raises OSError."""
    call(_LIBC.prctl(38, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS")


def _allow(ruleset: int, path: Path, access: int) -> None:
    if not path.exists():
        return
    if not path.is_dir():
        access &= _OF_FILES
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    rule = ctypes.create_string_buffer(struct.pack("<Qi", access, handle), 12)
    try:
        call(_LIBC.syscall(_ADD, ruleset, ctypes.c_int(1), rule, ctypes.c_uint32(0)), f"landlock rule for {path}")
    finally:
        os.close(handle)
