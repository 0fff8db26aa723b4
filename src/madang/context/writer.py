"""The one writer: many requests, one transaction (group commit).

Guarantee: when `submit` returns, the change and its history row are on disk. When it raises Unavailable the change may or
may not have happened (the database went away in the middle); any other error means it did not. Writers of several processes
take turns by an advisory lock, so `history.seq` is commit order for the whole city.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import asyncpg
import structlog

from madang.base.clock import Clock, SystemClock, from_iso, to_iso
from madang.base.errors import MadangError, StorageFull, Unavailable, trace_of
from madang.base.limits import WRITE_BATCH_MAX_OPS, WRITE_QUEUE_MAX_OPS
from madang.context.row import Row, row_of
from madang.context.snapshot import Snapshot, type_key
from madang.context.statement import ENDS, READ, WRITE, arguments
from madang.context.turn import Turn
from madang.context.work import Result, Work
from madang.engine.database import LOST, explain
from madang.model.operations import Operation
from madang.model.outcome import Outcome
from madang.model.render import Stamps

log = structlog.get_logger()
MIN_FREE_BYTES = 64 * 1024 * 1024
# Where many write at once, a moment's waiting makes groups larger: a write then costs a sixth less.
MANY_OPS = 8
GATHER_S = 0.004


class _Group:
    """Operations submitted together, and the future of their results in order."""

    __slots__ = ("future", "operations")

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = operations
        self.future: asyncio.Future[list[Result]] = asyncio.get_running_loop().create_future()


class Writer:
    """Owns one connection of the pool while it runs. `snapshot` tells other processes of what is written, and may be None
    only where nobody reads through one. `data_dir`, if given, is watched for a full disk."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        snapshot: Snapshot | None,
        clock: Clock | None = None,
        data_dir: Path | None = None,
        min_free_bytes: int = MIN_FREE_BYTES,
    ) -> None:
        self._turn = Turn(pool)
        self._snapshot = snapshot
        self.clock = clock or SystemClock()
        self._data_dir = data_dir
        self._min_free_bytes = min_free_bytes
        self._queue: deque[_Group] = deque()
        self._waiting = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._disk_checked = (0.0, True)
        self._busy = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._work(), name="context writer")

    async def stop(self) -> None:
        """Finishes what is queued."""
        while self._queue or self._busy:
            await asyncio.sleep(0.01)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._turn.let_go()

    async def watch(self) -> None:
        """Ends, with its error, only when the writing task does: without it a process must not go on answering."""
        assert self._task is not None
        await asyncio.shield(self._task)

    async def submit(self, operation: Operation) -> Outcome:
        """Durable when it returns. Raises what the operation raises; StorageFull, Unavailable."""
        (group,) = self._enqueue((operation,))
        (result,) = await group.future
        if isinstance(result, MadangError):
            raise result
        return result

    async def submit_many(self, operations: Sequence[Operation]) -> list[Result]:
        """Each operation's outcome or error, in order; later ones see what earlier ones did. Raises Unavailable when the
        queue has no room for them."""
        groups = self._enqueue(operations)
        if len(groups) == 1:
            return await groups[0].future
        return [result for group in groups for result in await group.future]

    def _enqueue(self, operations: Sequence[Operation]) -> list[_Group]:
        if self._waiting + len(operations) > WRITE_QUEUE_MAX_OPS:
            raise Unavailable("the writer's queue is full; try again")
        size = WRITE_BATCH_MAX_OPS
        groups = [_Group(operations[at : at + size]) for at in range(0, len(operations), size)]
        self._queue.extend(groups)
        self._waiting += len(operations)
        self._wake.set()
        return groups

    def _next(self) -> list[_Group]:
        """The groups of the next batch."""
        groups, size = [self._queue.popleft()], 0
        size = len(groups[0].operations)
        while self._queue and size + len(self._queue[0].operations) <= WRITE_BATCH_MAX_OPS:
            groups.append(self._queue.popleft())
            size += len(groups[-1].operations)
        self._waiting -= size
        return groups

    async def _work(self) -> None:
        many = False
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue or many:
                if many:  # who was answered just now is likely to write again: the turn is kept while they do
                    await asyncio.sleep(GATHER_S)
                many = self._waiting >= MANY_OPS
                if not self._queue:
                    break
                self._busy = True
                try:
                    await self._settle(self._next())
                finally:
                    self._busy = False
            with contextlib.suppress(*LOST):
                await self._turn.end()

    async def _settle(self, groups: list[_Group]) -> None:
        """Each waiter hears what came of its operations. A batch that fails as a whole is told why; the writer lives on."""
        operations = [operation for group in groups for operation in group.operations]
        try:
            results = await self._commit(operations)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            results = await self._after_failure(operations, error)
        at = 0
        for group in groups:
            end = at + len(group.operations)
            if not group.future.done():
                group.future.set_result(results[at:end])
            at = end

    async def _after_failure(self, operations: list[Operation], error: Exception) -> list[Result]:
        """A batch that the database refused for its content is written one by one: only the poison fails."""
        if len(operations) > 1 and isinstance(error, asyncpg.DataError | asyncpg.ProgramLimitExceededError):
            return [await self._alone(operation) for operation in operations]
        if not isinstance(error, (MadangError, asyncpg.DiskFullError, *LOST)):
            log.error("write batch failed", operations=len(operations), trace=trace_of(error))
        return [explain(error)] * len(operations)

    async def _alone(self, operation: Operation) -> Result:
        try:
            return (await self._commit([operation]))[0]
        except (MadangError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            return explain(error)

    async def _commit(self, operations: list[Operation]) -> list[Result]:
        self._check_disk()
        try:
            connection = await self._turn.take(self.clock.now())
            moment = self.clock.now()
            current = await self._current(connection, {operation.target for operation in operations})
            work = Work(operations, current, to_iso(moment))
            if work.deeds:
                await self._write(connection, work, moment)
        except BaseException:
            await self._turn.let_go()
            raise
        return work.results

    async def _write(self, connection: asyncpg.Connection, work: Work, moment: datetime) -> None:
        """One statement, one transaction, on disk when it returns."""
        ends = work.ends()
        if ends:
            await connection.execute(ENDS, list(ends), list(map(from_iso, ends.values())))
        values = arguments(work, moment)
        if self._snapshot is None:
            await connection.fetchval(WRITE, *values)
            return
        begun = self._snapshot.versions.begin(_touched(work))
        try:
            first = await connection.fetchval(WRITE, *values)
        except asyncpg.DataError:
            self._snapshot.versions.finish(begun)  # for its content: surely nothing was written
            raise
        if self._snapshot.versions.finish(begun):
            _remember(self._snapshot, work, first)

    async def _current(self, connection: asyncpg.Connection, ids: Iterable[str]) -> list[Row]:
        """What is there of `ids`. Under the lock a row that the snapshot holds is the last one."""
        held = [] if self._snapshot is None else [row for row in map(self._snapshot.row, ids) if row is not None]
        missing = set(ids).difference(row.entity.id for row in held)
        return held + [row_of(record) for record in await connection.fetch(READ, list(missing))] if missing else held

    def _check_disk(self) -> None:
        """A full disk would make PostgreSQL stop over its log, so writing ends while there is room for reading on."""
        if self._data_dir is None:
            return
        checked, enough = self._disk_checked
        if time.monotonic() - checked > 0.5:
            stat = os.statvfs(self._data_dir)
            enough = stat.f_bavail * stat.f_frsize >= self._min_free_bytes
            self._disk_checked = (time.monotonic(), enough)
        if not enough:
            raise StorageFull("the city's storage is full: nothing was written")


def _touched(work: Work) -> set[str]:
    """Keys of `Versions` whose meaning this batch changes. Of what was not there nobody holds a copy."""
    keys: set[str] = set()
    for entity_id, slot in work.changed():
        after = slot.entity.types if slot.entity is not None else []
        if slot.before is None:
            keys.update(map(type_key, after))
        else:
            keys.add(entity_id)
            if slot.before.types != after:
                keys.update(map(type_key, set(slot.before.types) ^ set(after)))
    return keys


def _remember(snapshot: Snapshot, work: Work, first: int) -> None:
    """What was there and was written again is likely to be again: nobody need read it back. `first` is the number of the
    batch's first deed."""
    for at, deed in enumerate(work.deeds, first):
        if deed.op == "t":
            continue
        slot = work.slots[deed.entity_id]
        if slot.entity is None:
            snapshot.forget(deed.entity_id)
        elif slot.before is not None and slot.deed is deed:
            stamps = Stamps(slot.created, work.now)
            snapshot.keep(snapshot.versions.of(deed.entity_id), Row(slot.entity, stamps, at))
