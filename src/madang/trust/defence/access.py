"""What is kept of each request, for the detector, until it has read it: nothing of what was answered."""

from __future__ import annotations

import re
import time
from collections import deque
from typing import NamedTuple

from madang.base.limits import ACCESS_QUEUE_MAX

_TYPES = re.compile(rb"(?:^|&)type=([^&]*)")


class Access(NamedTuple):
    """`who` is a principal's name, `path` is as it was asked (cut short), `types` are the entity types asked for, `size` in bytes."""

    at_s: float
    who: str
    source: str
    method: str
    path: str
    status: int
    entities: int
    size: int
    types: str = ""


class AccessStream:
    """The latest requests, until somebody reads them; of more than `ACCESS_QUEUE_MAX` the oldest are lost, and counted."""

    def __init__(self) -> None:
        self._kept: deque[Access] = deque(maxlen=ACCESS_QUEUE_MAX)
        self._added = self._read = self.lost = 0

    def add(
        self, who: str, source: str, method: str, path: str, status: int, entities: int, size: int, query: bytes = b""
    ) -> None:
        self._added += 1
        found = _TYPES.search(query) if query else None
        types = found[1][:80].decode("latin-1") if found else ""
        self._kept.append(Access(time.time(), who, source, method, path[:200], status, entities, size, types))

    def drain(self) -> list[Access]:
        """What came since it was asked last."""
        out = list(self._kept)
        self._kept.clear()
        self.lost += self._added - self._read - len(out)
        self._read = self._added
        return out


_IDS = frozenset(
    {"entities", "subscriptions", "csourceRegistrations", "csourceSubscriptions", "jsonldContexts", "types"}
)
_MORE_IDS = frozenset({"attributes", "entityMaps", "snapshots", "attrs", "commands", "apps", "notifications", "tiles"})


def shape_of(method: str, path: str, types: str = "") -> str:
    """The route without ids, and the entity types asked for: `GET ngsi-ld/v1/entities Vehicle`. Whatever follows the name of a
    collection is an id."""
    parts = [part for part in path.split("/") if part][:6]
    out = ["*" if at and parts[at - 1] in _IDS | _MORE_IDS else part[:40] for at, part in enumerate(parts)]
    return f"{method} {'/'.join(out)} {types}".rstrip()
