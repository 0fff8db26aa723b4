"""NGSILD-Snapshot: what is asked of a snapshot is answered by a broker over its copy (clauses 5.5.15, 6.3.22)."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote

import asyncpg

from madang.base.errors import Unavailable, UnprocessableOp
from madang.base.limits import SNAPSHOTS_OPEN_MAX
from madang.context.copies import PREPARING, Copies
from madang.people.http import Request, Response

_OPEN_TO = ("entities", "entityOperations", "types", "attributes", "temporal", "entityMaps")
"""Below these a snapshot is read and written; who is told of changes and who else holds context is no part of it."""
USE_TOLD_S = 60.0
Close = Callable[[], Awaitable[None]]


class Mount(Protocol):
    async def handle(self, request: Request) -> Response: ...


@dataclass(frozen=True)
class Keeping:
    """Where a tenant's snapshots are kept: `prepare(schema)` makes the tables of one, `open(schema)` a broker over them that
    asks nobody else, with what ends it."""

    pool: asyncpg.Pool
    prepare: Callable[[str], Awaitable[object]]
    open: Callable[[str], Awaitable[tuple[Mount, Close]]]


@dataclass(slots=True)
class _Held:
    mount: Mount
    close: Close
    uses: int = 0


class SnapshotDoor:
    """Keeps the brokers of the snapshots that were asked last open; others are closed when nobody uses them."""

    def __init__(self, copies: Copies, keeping: Keeping) -> None:
        self._copies, self._keeping = copies, keeping
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._opening = asyncio.Lock()
        self._told: dict[str, float] = {}

    async def handle(self, request: Request) -> Response:
        """Raises NotFound, UnprocessableOp, Unavailable while the snapshot is being prepared."""
        header = request.headers[b"ngsild-snapshot"]
        copy = await self._copies.get(unquote(header.decode("latin-1").rsplit("/snapshots/", 1)[-1]))
        if not request.parts or request.parts[0] not in _OPEN_TO:
            raise UnprocessableOp("of a snapshot there are entities and their past only")
        if copy.status == PREPARING:
            raise Unavailable("the snapshot is being prepared; try again")
        if time.monotonic() - self._told.get(copy.id, -USE_TOLD_S) >= USE_TOLD_S:
            self._told[copy.id] = time.monotonic()
            await self._copies.use(copy.id)
        async with self._mount(copy.schema) as mount:
            response = await mount.handle(request)
        return Response(response.status, response.body, [*response.headers, (b"ngsild-snapshot", header)])

    @asynccontextmanager
    async def _mount(self, schema: str) -> AsyncIterator[Mount]:
        async with self._opening:
            held = self._held.get(schema)
            if held is None:
                held = self._held[schema] = _Held(*await self._keeping.open(schema))
            self._held.move_to_end(schema)
            held.uses += 1
        try:
            yield held.mount
        finally:
            held.uses -= 1
            await self._shed()

    async def _shed(self) -> None:
        idle = [schema for schema, held in self._held.items() if not held.uses]
        for schema in idle[: max(0, len(self._held) - SNAPSHOTS_OPEN_MAX)]:
            await self.leave(schema)

    async def leave(self, schema: str) -> None:
        """Lets a snapshot go, since it is going to be deleted or others are wanted more."""
        held = self._held.pop(schema, None)
        if held is not None:
            await held.close()

    async def close(self) -> None:
        for schema in list(self._held):
            await self.leave(schema)
