"""A filter of system calls (seccomp-BPF): sockets of the local kind only, no new namespaces, nothing by which a process gets at
another or at the machine. What is refused fails with an error, and the kernel's audit trail hears of it."""

from __future__ import annotations

import ctypes
import platform
import struct
import sys

from madang.runtime.landlock import call, no_new_privileges

_LIBC = ctypes.CDLL(None, use_errno=True)
_X86: dict[str, int] = {
    "seccomp": 317, "socket": 41, "socketpair": 53, "clone": 56, "clone3": 435, "ptrace": 101, "process_vm_readv": 310,
    "process_vm_writev": 311, "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "unshare": 272, "setns": 308, "bpf": 321,
    "perf_event_open": 298, "userfaultfd": 323, "keyctl": 250, "add_key": 248, "request_key": 249, "kexec_load": 246,
    "kexec_file_load": 320, "init_module": 175, "finit_module": 313, "delete_module": 176, "reboot": 169, "swapon": 167, "swapoff": 168,
    "settimeofday": 164, "clock_settime": 227, "sethostname": 170, "setdomainname": 171, "open_by_handle_at": 304, "quotactl": 179,
    "acct": 163, "syslog": 103, "kcmp": 312,
}  # fmt: skip
_ARM: dict[str, int] = {
    "seccomp": 277, "socket": 198, "socketpair": 199, "clone": 220, "clone3": 435, "ptrace": 117, "process_vm_readv": 270,
    "process_vm_writev": 271, "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "unshare": 97, "setns": 268, "bpf": 280,
    "perf_event_open": 241, "userfaultfd": 282, "keyctl": 219, "add_key": 217, "request_key": 218, "kexec_load": 104,
    "kexec_file_load": 294, "init_module": 105, "finit_module": 273, "delete_module": 106, "reboot": 142, "swapon": 224, "swapoff": 225,
    "settimeofday": 170, "clock_settime": 112, "sethostname": 161, "setdomainname": 162, "open_by_handle_at": 265, "quotactl": 60,
    "acct": 89, "syslog": 116, "kcmp": 272,
}  # fmt: skip
_SAME_EVERYWHERE = {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428, "move_mount": 429, "fsopen": 430,
    "fsconfig": 431, "fsmount": 432, "fspick": 433, "pidfd_getfd": 438, "mount_setattr": 442,
}  # fmt: skip
_MACHINES = {"x86_64": (0xC000003E, _X86), "aarch64": (0xC00000B7, _ARM)}
_LOAD, _EQUAL, _AT_LEAST, _AND_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _EACCES, _ENOSYS = 1, 13, 38
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16  # places in struct seccomp_data
_NAMESPACES = 0x7E020000  # CLONE_NEW*, but for time namespaces, which only clone3 and unshare make
_X32 = 0x40000000
_AF_UNIX = 1
_SET_FILTER, _AND_LOG = 1, 2


def names_of_calls() -> dict[int, str]:
    """What the numbers in the audit trail mean, on this machine."""
    table = _MACHINES.get(platform.machine(), (0, {}))[1] | _SAME_EVERYWHERE
    return {number: name for name, number in table.items()}


def can_filter() -> bool:
    return sys.platform == "linux" and platform.machine() in _MACHINES


def program(machine: str) -> bytes:
    """The filter as instructions of classic BPF, for a machine of `platform.machine()`. Raises KeyError for an unknown one."""
    arch, numbers = _MACHINES[machine]
    special = {"seccomp", "socket", "socketpair", "clone", "clone3"}
    forbidden = [number for name, number in (numbers | _SAME_EVERYWHERE).items() if name not in special]
    code = [
        (_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, arch), (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER), (_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _ERRNO | _ENOSYS),
        # The C library then does without clone3, whose flags lie in memory where no filter looks.
        (_EQUAL, 0, 1, numbers["clone3"]), (_RETURN, 0, 0, _ERRNO | _ENOSYS),
    ]  # fmt: skip
    for number in forbidden:
        code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERRNO | _EPERM)]
    for name in ("socket", "socketpair"):
        code += [
            (_EQUAL, 0, 4, numbers[name]), (_LOAD, 0, 0, _FIRST_ARGUMENT), (_EQUAL, 0, 1, _AF_UNIX), (_RETURN, 0, 0, _ALLOW),
            (_RETURN, 0, 0, _ERRNO | _EACCES),
        ]  # fmt: skip
    code += [
        (_EQUAL, 0, 3, numbers["clone"]), (_LOAD, 0, 0, _FIRST_ARGUMENT), (_AND_SET, 0, 1, _NAMESPACES),
        (_RETURN, 0, 0, _ERRNO | _EPERM), (_RETURN, 0, 0, _ALLOW),
    ]  # fmt: skip
    return b"".join(struct.pack("<HBBI", *one) for one in code)


def restrict() -> None:
    """From now on, also for everything this process starts. Raises OSError."""
    code = program(platform.machine())
    held = ctypes.create_string_buffer(code, len(code))
    said = ctypes.create_string_buffer(struct.pack("<HxxxxxxQ", len(code) // 8, ctypes.addressof(held)))
    no_new_privileges()
    number = _MACHINES[platform.machine()][1]["seccomp"]
    call(_LIBC.syscall(number, ctypes.c_uint(_SET_FILTER), ctypes.c_uint(_AND_LOG), said), "seccomp")
