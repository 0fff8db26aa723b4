"""What the kernel refused an app, from its audit trail: files and processes (Landlock), system calls (seccomp).

The trail is a multicast group of netlink that root may hear beside auditd (kernel >= 3.16; Landlock speaks there from 6.15 on). Nothing
is enforced here: where nobody may listen, refusals are refusals all the same, and nobody is told."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from madang.runtime.seccomp import names_of_calls

log = structlog.get_logger()
_AUDIT, _ADD_MEMBERSHIP, _READ_LOG, _NETLINK = 9, 1, 1, 270
_GET, _SET, _ADD_RULE = 1000, 1001, 1011
_SECCOMP, _LANDLOCK_ACCESS, _LANDLOCK_DOMAIN = 1326, 1423, 1424
_HEADER = struct.Struct("=IHHII")
_REQUEST, _ACKNOWLEDGE = 1, 4
_TASK_FILTER, _NEVER = 1, 0
_DOMAINS_MAX = 10_000
_PER_TURN = 500  # records; what comes faster is lost, and no loss to anybody
_FIELD = re.compile(r'(\w+)=("[^"]*"|\S+)')


@dataclass(frozen=True)
class Denial:
    """`uid` of who was refused; `what`: the right or the system call; `whom`: a path, or nothing."""

    uid: int
    what: str
    whom: str = ""


class Trail:
    """Reads records and puts them together: a Landlock refusal names its domain, another record whose that is."""

    def __init__(self) -> None:
        self._uid_of: dict[str, int] = {}
        self._unknown: dict[str, Denial] = {}
        self._calls = names_of_calls()

    def take(self, kind: int, text: str) -> list[Denial]:
        """What a record of that type says, or lets be understood."""
        fields = {name: _plain(value) for name, value in _FIELD.findall(text.partition("): ")[2])}
        if kind == _SECCOMP:
            name = self._calls.get(int(fields.get("syscall", "-1")), "")
            return [Denial(int(fields["uid"]), name)] if name and name != "clone3" else []
        domain = fields.get("domain", "")
        if kind == _LANDLOCK_DOMAIN:
            return self._meet(domain, fields)
        if kind != _LANDLOCK_ACCESS or not domain:
            return []
        found = Denial(self._uid_of.get(domain, -1), fields.get("blockers", ""), fields.get("path", "")[:300])
        if found.uid >= 0:
            return [found]
        if len(self._unknown) < _DOMAINS_MAX:
            self._unknown[domain] = found
        return []

    def _meet(self, domain: str, fields: dict[str, str]) -> list[Denial]:
        if fields.get("status") != "allocated":
            self._uid_of.pop(domain, None)
            return []
        if len(self._uid_of) < _DOMAINS_MAX:
            self._uid_of[domain] = int(fields["uid"])
        first = self._unknown.pop(domain, None)
        return [Denial(int(fields["uid"]), first.what, first.whom)] if first is not None else []


def _plain(value: str) -> str:
    """Texts stand in quotes, or in hexadecimal digits when they hold what is not printed."""
    if value.startswith('"'):
        return value[1:-1]
    if len(value) > 20 and re.fullmatch(r"([0-9A-F]{2})+", value):
        return bytes.fromhex(value).decode("utf-8", "replace")
    return value


async def listen(tell: Callable[[Denial], None]) -> None:
    """For ever; returns at once where this process may not listen."""
    trail, loop = Trail(), asyncio.get_running_loop()
    try:
        heard = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, _AUDIT)
    except (AttributeError, OSError):
        return
    with heard:
        try:
            heard.bind((0, 0))
            heard.setsockopt(_NETLINK, _ADD_MEMBERSHIP, _READ_LOG)
            switch_on()
        except OSError as error:
            log.info("the kernel's audit trail is not ours to hear", error=str(error))
            return
        while True:
            for _ in range(_PER_TURN):
                with contextlib.suppress(OSError, ValueError, KeyError):  # ENOBUFS: some were lost
                    data = await loop.sock_recv(heard, 16_384)
                    for denial in trail.take(
                        _HEADER.unpack_from(data)[1], data[_HEADER.size :].decode("utf-8", "replace")
                    ):
                        tell(denial)
            await asyncio.sleep(0.2)


def switch_on() -> None:
    """Lets the kernel tell, when nobody has yet: with a rule that no task's system calls are looked at, so that it costs nobody
    anything. Where auditing is on already, somebody else decides. Raises OSError."""
    if _ask(_GET, b"")[4:8] != struct.pack("=I", 0):
        return
    rule = struct.pack("=3I", _TASK_FILTER, _NEVER, 0) + bytes(64 * 4 * 4) + struct.pack("=I", 0)
    with contextlib.suppress(FileExistsError):
        _ask(_ADD_RULE, rule)
    _ask(_SET, struct.pack("=10I", 1, 1, *([0] * 8)))


def _ask(kind: int, data: bytes) -> bytes:
    """The body of the answer. Raises OSError with what the kernel says."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _AUDIT) as talk:
        talk.bind((0, 0))
        talk.settimeout(2.0)
        talk.send(_HEADER.pack(_HEADER.size + len(data), kind, _REQUEST | _ACKNOWLEDGE, 1, 0) + data)
        body = b""
        for _ in range(2):
            answer = talk.recv(8_192)
            if _HEADER.unpack_from(answer)[1] == kind:
                body = answer[_HEADER.size :]
                continue
            code = struct.unpack_from("=i", answer, _HEADER.size)[0]
            if code:
                raise OSError(-code, "audit")
            if body or kind != _GET:
                break
    return body
