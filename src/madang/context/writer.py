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
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import msgspec
import structlog

from madang.base.clock import Clock, SystemClock, from_iso, to_iso
from madang.base.errors import BadRequest, MadangError, StorageFull, TooLarge, Unavailable
from madang.base.limits import BODY_MAX_BYTES, ENTITY_MAX_BYTES, WRITE_BATCH_MAX_OPS, WRITE_QUEUE_MAX_OPS
from madang.context.row import COLUMNS, Row, row_of
from madang.context.snapshot import Snapshot, type_key
from madang.engine.database import LOST, explain
from madang.model.entity import Body, Entity
from madang.model.geometry import bounds
from madang.model.operations import AppendTemporal, Operation, target_of
from madang.model.outcome import Outcome
from madang.model.removals import next_expiry
from madang.model.render import Stamps, geometry_of
from madang.model.values import has_nul

log = structlog.get_logger()
WRITE_LOCK = 0x4D41_4402
MIN_FREE_BYTES = 64 * 1024 * 1024
_UNKNOWN = Unavailable("nobody knows whether it was written")
_ENCODE = msgspec.json.Encoder().encode
TURN_S = 0.02
# Where many write at once, a moment's waiting makes groups larger: a write then costs a sixth less.
MANY_OPS = 8
GATHER_S = 0.002
# A tenant has a history of its own, and so an order of its own to keep.
_KEY = f"{WRITE_LOCK}, hashtext(current_schema()::text)"
_LOCK = f"SELECT pg_advisory_lock({_KEY})"
_UNLOCK = f"SELECT pg_advisory_unlock({_KEY})"
_READ = f"SELECT {COLUMNS} FROM entity WHERE id = ANY($1)"  # noqa: S608 - constant text
_WRITE = """
WITH reserved AS MATERIALIZED (
  SELECT setval('history_seq_seq', nextval('history_seq_seq') + cardinality($14::text[])) - cardinality($14::text[]) AS s
),
gone AS (DELETE FROM entity WHERE id = ANY($1::text[])),
kept AS (
  INSERT INTO entity (id, type, types, body, place, seq, created_at, modified_at)
  SELECT id, type, string_to_array(types, E'\\x1f'), body,
         CASE WHEN west IS NULL THEN NULL ELSE box(point(west, south), point(east, north)) END, s + seq, made, $2
  FROM reserved, unnest($3::text[], $4::text[], $5::text[], $6::jsonb[], $7::float8[], $8::float8[], $9::float8[], $10::float8[],
              $11::bigint[], $12::timestamptz[]) AS t(id, type, types, body, west, south, east, north, seq, made)
  ON CONFLICT (id) DO UPDATE SET type = excluded.type, types = excluded.types, body = excluded.body,
    place = excluded.place, seq = excluded.seq, modified_at = excluded.modified_at
),
told AS (
  INSERT INTO history (seq, at, entity_id, types, op, change, before)
  SELECT s + seq, $2, id, types, op::"char", change, before
  FROM reserved, unnest($13::bigint[], $14::text[], $15::text[], $16::text[], $17::json[], $18::json[])
    AS h(seq, id, types, op, change, before)
)
SELECT s, pg_notify('madang_changes', '') FROM reserved
"""


# Before the write and apart from it: a row too much costs a look, one too few would keep an entity for ever.
_ENDS = """
INSERT INTO transient (entity_id, at) SELECT * FROM unnest($1::text[], $2::timestamptz[])
ON CONFLICT (entity_id) DO UPDATE SET at = excluded.at
"""


class _Group:
    """Operations submitted together: their results in order, and one future for all."""

    __slots__ = ("future", "left", "results")

    def __init__(self, size: int) -> None:
        self.left = size
        self.results: list[Outcome | MadangError] = [_UNKNOWN] * size
        self.future: asyncio.Future[list[Outcome | MadangError]] = asyncio.get_running_loop().create_future()

    def settle(self, index: int, result: Outcome | MadangError) -> None:
        if self.results[index] is not _UNKNOWN:
            return
        self.results[index] = result
        self.left -= 1
        if not self.left and not self.future.done():
            self.future.set_result(self.results)


class _Pending(NamedTuple):
    operation: Operation
    group: _Group
    place: int


@dataclass(slots=True)
class _Slot:
    """One entity while a batch is worked out."""

    entity: Entity | None
    created: datetime | None
    before: Entity | None = None
    seq: int = -1
    encoded: bytes = b""


@dataclass(slots=True)
class _Work:
    """A batch worked out: what becomes of each entity, what is told of it, and what each operation is answered."""

    slots: dict[str, _Slot]
    history: _History
    results: list[Outcome | MadangError]


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
        self._pool = pool
        self._snapshot = snapshot
        self.clock = clock or SystemClock()
        self._data_dir = data_dir
        self._min_free_bytes = min_free_bytes
        self._queue: deque[_Pending] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._partition_day = ""
        self._disk_checked = (0.0, True)
        self._connection: Any = None
        self._locked_at: float | None = None
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
        await self._let_go()

    async def watch(self) -> None:
        """Ends, with its error, only when the writing task does: without it a process must not go on answering."""
        assert self._task is not None
        await asyncio.shield(self._task)

    async def submit(self, operation: Operation) -> Outcome:
        """Durable when it returns. Raises what the operation raises; StorageFull, Unavailable."""
        (result,) = await self.submit_many((operation,))
        if isinstance(result, MadangError):
            raise result
        return result

    async def submit_many(self, operations: Sequence[Operation]) -> list[Outcome | MadangError]:
        """Each operation's outcome or error, in order; later ones see what earlier ones did. Raises Unavailable when the
        queue has no room for them."""
        if not operations:
            return []
        if len(self._queue) + len(operations) > WRITE_QUEUE_MAX_OPS:
            raise Unavailable("the writer's queue is full; try again")
        group = _Group(len(operations))
        self._queue.extend(_Pending(operation, group, index) for index, operation in enumerate(operations))
        self._wake.set()
        return await group.future

    async def _work(self) -> None:
        many = False
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                if many:
                    await asyncio.sleep(GATHER_S)
                many = len(self._queue) >= MANY_OPS
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), WRITE_BATCH_MAX_OPS))]
                self._busy = True
                try:
                    await self._commit(batch)
                except asyncio.CancelledError:
                    raise
                except Exception as error:  # the batch failed as a whole: each waiter hears why, the writer lives on
                    await self._after_failure(batch, error)
                finally:
                    self._busy = False
            with contextlib.suppress(*LOST):
                await self._unlock()

    async def _after_failure(self, batch: list[_Pending], error: Exception) -> None:
        """A batch that the database refused for its content is written one by one: only the poison fails."""
        if len(batch) > 1 and isinstance(error, asyncpg.DataError | asyncpg.ProgramLimitExceededError):
            for pending in batch:
                try:
                    await self._commit([pending])
                except (MadangError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as single:
                    _fail([pending], explain(single))
            return
        if not isinstance(error, (MadangError, asyncpg.DiskFullError, *LOST)):
            log.exception("write batch failed", operations=len(batch))
        _fail(batch, explain(error))

    async def _commit(self, batch: list[_Pending]) -> None:
        self._check_disk()
        try:
            connection = await self._hold()
            await self._ensure_partitions(connection, self.clock.now())
            await self._lock(connection)
            moment = self.clock.now()
            work = await self._work_out(connection, batch, to_iso(moment))
            if work.history.ids:
                await self._write(connection, work, moment)
        except BaseException:
            await self._let_go()
            raise
        for pending, result in zip(batch, work.results, strict=True):
            pending.group.settle(pending.place, result)

    async def _write(self, connection: asyncpg.Connection, work: _Work, moment: datetime) -> None:
        """One statement, one transaction, on disk when it returns."""
        ends = _ends(work.slots)
        if ends:
            await connection.execute(_ENDS, list(ends), list(ends.values()))
        arguments = _arguments(work.slots, work.history, moment)
        if self._snapshot is None:
            await connection.fetchval(_WRITE, *arguments)
            return
        begun = self._snapshot.versions.begin(_touched(work.slots))
        try:
            base = await connection.fetchval(_WRITE, *arguments)
        except asyncpg.DataError:
            self._snapshot.versions.finish(begun)  # for its content: surely nothing was written
            raise
        if self._snapshot.versions.finish(begun):
            _remember(self._snapshot, work.slots, base, moment)

    async def _lock(self, connection: asyncpg.Connection) -> None:
        """The turn to write. It is kept while there is more to write, but not for longer than others can wait."""
        if self._locked_at is not None and time.monotonic() - self._locked_at > TURN_S:
            await self._unlock()
        if self._locked_at is None:
            await connection.execute(_LOCK)
            self._locked_at = time.monotonic()

    async def _unlock(self) -> None:
        if self._connection is not None and self._locked_at is not None:
            try:
                await self._connection.execute(_UNLOCK)
            except BaseException:
                await self._let_go()
                raise
            self._locked_at = None

    async def _hold(self) -> Any:
        """The writer's connection, kept from batch to batch: giving it back costs a round trip each. One that died
        meanwhile fails the next batch, which lets it go."""
        if self._connection is None:
            self._connection = await self._pool.acquire()
        return self._connection

    async def _let_go(self) -> None:
        """Back to the pool, which gives up the turn."""
        connection, self._connection, self._locked_at = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(*LOST):
                await self._pool.release(connection, timeout=5)

    async def _work_out(self, connection: asyncpg.Connection, batch: list[_Pending], now: str) -> _Work:
        slots = {target_of(pending.operation): _Slot(None, None) for pending in batch}
        for row in await self._current(connection, slots):
            slots[row.entity.id] = _Slot(row.entity, from_iso(row.stamps.created), row.entity)
        history = _History()
        return _Work(slots, history, [_run(pending.operation, slots, now, history) for pending in batch])

    async def _current(self, connection: asyncpg.Connection, ids: Iterable[str]) -> list[Row]:
        """What is there of `ids`. Under the lock a row that the snapshot holds is the last one."""
        held = [] if self._snapshot is None else [row for row in map(self._snapshot.row, ids) if row is not None]
        missing = set(ids) - {row.entity.id for row in held}
        return held + [row_of(record) for record in await connection.fetch(_READ, list(missing))] if missing else held

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

    async def _ensure_partitions(self, connection: asyncpg.Connection, moment: datetime) -> None:
        day = moment.strftime("%Y%m%d")
        if day == self._partition_day:
            return
        for offset in (0, 1):
            start = (moment + timedelta(days=offset)).replace(hour=0, minute=0, second=0, microsecond=0)
            await _make_partition(connection, start)
        self._partition_day = day


async def _make_partition(connection: asyncpg.Connection, start: datetime) -> None:
    name = f"history_{start:%Y%m%d}"
    sql = (
        f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF history "
        f"FOR VALUES FROM ('{to_iso(start)}') TO ('{to_iso(start + timedelta(days=1))}')"
    )
    async with connection.transaction():
        await connection.execute(f"SELECT pg_advisory_xact_lock({_KEY})")
        await connection.execute(sql)


class _History:
    """Columns of the batch's history rows; a row a change."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.types: list[str] = []
        self.ops: list[str] = []
        self.changes: list[bytes] = []
        self.befores: list[bytes | None] = []

    def add(self, entity_id: str, type_name: str, op: str, change: bytes, before: bytes | None) -> int:
        self.ids.append(entity_id)
        self.types.append(type_name)
        self.ops.append(op)
        self.changes.append(change)
        self.befores.append(before)
        return len(self.ids) - 1


def _run(operation: Operation, slots: dict[str, _Slot], now: str, history: _History) -> Outcome | MadangError:
    if type(operation) is AppendTemporal:
        return _run_temporal(operation, now, history)
    slot = slots[target_of(operation)]
    before = slot.entity
    try:
        outcome = operation.apply(before, now)
        after = outcome.entity
        encoded = _encoded(after) if after is not None else b""
    except MadangError as error:
        return error
    if after is None and before is None:
        return outcome
    unchanged = after is not None and before is not None and after.types == before.types
    if unchanged and not outcome.changed and not outcome.created:
        return outcome
    shown = after or before
    assert shown is not None
    op = "d" if after is None else "c" if before is None else "u"
    # A whole new body is its own change: no need to write it out twice.
    whole = after is not None and outcome.changed is after.body
    change = encoded if whole else _ENCODE(outcome.changed if after is not None else {})
    slot.seq = history.add(shown.id, "\x1f".join(shown.types), op, change, _was(before, outcome.changed, op))
    slot.entity, slot.encoded = after, encoded
    if before is None:
        slot.created = from_iso(now)
    return outcome


def _ends(slots: dict[str, _Slot]) -> dict[str, datetime]:
    """When something of the written entities expires; see context.expiry."""
    ends = {}
    for entity_id, slot in slots.items():
        if slot.entity is not None and b'"expiresAt"' in slot.encoded and (at := next_expiry(slot.entity)):
            ends[entity_id] = from_iso(at)
    return ends


def _was(before: Entity | None, changed: Body, op: str) -> bytes | None:
    """What the changed attributes were, for those who are told of changes."""
    if before is None:
        return None
    known = before.body
    was = known if op == "d" else {name: known[name] for name in changed if name in known}
    return _ENCODE(was) if was else None


def _run_temporal(operation: AppendTemporal, now: str, history: _History) -> Outcome | MadangError:
    """What is told of the past is a row like any other change, but no change of the state."""
    entity = operation.entity
    try:
        outcome = operation.apply(None, now)
        change = _encoded(Entity(entity.id, entity.types, outcome.changed), BODY_MAX_BYTES)
    except MadangError as error:
        return error
    history.add(entity.id, "\x1f".join(entity.types), "t", change, None)
    return outcome


def _arguments(slots: dict[str, _Slot], history: _History, moment: datetime) -> list[Any]:
    touched = {entity_id for entity_id, slot in slots.items() if slot.seq >= 0}
    gone = [entity_id for entity_id in touched if slots[entity_id].entity is None]
    kept = [slots[entity_id] for entity_id in sorted(touched - set(gone))]
    entities = [slot.entity for slot in kept if slot.entity is not None]
    boxes = [bounds(geometry_of(entity)) or (None, None, None, None) for entity in entities]
    west, south, east, north = zip(*boxes, strict=True) if boxes else ((), (), (), ())
    return [
        gone, moment,
        [entity.id for entity in entities], [entity.types[0] for entity in entities],
        ["\x1f".join(entity.types) for entity in entities], [slot.encoded for slot in kept],
        west, south, east, north, [slot.seq for slot in kept], [slot.created or moment for slot in kept],
        list(range(len(history.ids))), history.ids, history.types, history.ops, history.changes,
        history.befores,
    ]  # fmt: skip


def _touched(slots: dict[str, _Slot]) -> set[str]:
    """Keys of `Versions` whose meaning this batch changes. Of what was not there nobody holds a copy."""
    keys: set[str] = set()
    for entity_id, slot in slots.items():
        if slot.seq < 0:
            continue
        after = slot.entity.types if slot.entity is not None else []
        if slot.before is None:
            keys.update(map(type_key, after))
        else:
            keys.add(entity_id)
            keys.update(map(type_key, set(slot.before.types) ^ set(after)))
    return keys


def _remember(snapshot: Snapshot, slots: dict[str, _Slot], base: int, moment: datetime) -> None:
    """What was there and was written again is likely to be again: nobody need read it back."""
    modified = to_iso(moment)
    for entity_id, slot in slots.items():
        if slot.entity is None:
            snapshot.forget(entity_id)
        if slot.seq >= 0 and slot.entity is not None and slot.before is not None:
            stamps = Stamps(to_iso(slot.created or moment), modified)
            snapshot.keep(snapshot.versions.of(entity_id), Row(slot.entity, stamps, base + slot.seq))


def _encoded(entity: Entity, limit: int = ENTITY_MAX_BYTES) -> bytes:
    """Raises TooLarge, and BadRequest for text that PostgreSQL cannot hold."""
    try:
        data = _ENCODE(entity.body)
    except UnicodeEncodeError:
        raise BadRequest("a text is not valid Unicode") from None
    if len(data) > limit:
        raise TooLarge(f"{entity.id} would be larger than {limit} bytes")
    if b"\\u0000" in data and has_nul(entity.body):
        raise BadRequest("a text holds a NUL character")
    return data


def _fail(batch: list[_Pending], error: MadangError) -> None:
    for pending in batch:
        pending.group.settle(pending.place, error)
