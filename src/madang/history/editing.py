"""Taking back what was told of the past: rows are changed and deleted where they lie, so that nothing is left of it.

Nothing is edited before the courier has carried it: a change must reach its listeners whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg

from madang.base.clock import Clock, SystemClock, monotonic_s, to_iso
from madang.base.errors import NotFound, Unavailable
from madang.base.limits import HISTORY_EDIT_WAIT_S, HISTORY_READ_ROWS
from madang.history.evolution import place_of
from madang.model.kinds import VALUE_KEY

Change = dict[str, Any]
Edit = Callable[[int, Change], Change | None]
_START = datetime(1970, 1, 1, tzinfo=UTC)
_WAITING = """
SELECT EXISTS (SELECT FROM history WHERE entity_id = $1 AND seq > (SELECT min(seq) FROM bus_cursor))
"""
_READ = """
SELECT seq, at, change FROM history
WHERE entity_id = $1 AND change->$2::text IS NOT NULL AND (at, seq) > ($3, $4) ORDER BY at, seq LIMIT $5 FOR UPDATE
"""
_WRITE = """
UPDATE history AS h SET change = e.change FROM unnest($1::bigint[], $2::timestamptz[], $3::json[]) AS e(seq, at, change)
WHERE h.seq = e.seq AND h.at = e.at
"""
# What values were is told once, when a change is carried; after that nothing needs it.
_FORGET = "UPDATE history SET before = NULL WHERE entity_id = $1 AND before IS NOT NULL"
# The lake, where there is one, has what was edited as it was: it reads again. Without `seqs` what is older than history is meant, too.
_TELL_LAKE = """
INSERT INTO lake_order (entity_id, attribute, dataset, seqs, erased) SELECT $1, $2, $3, $4, $5 WHERE EXISTS (SELECT FROM lake_cursor)
"""
_DROP_EMPTY = "DELETE FROM history WHERE entity_id = $1 AND op = 't' AND change::text = '{}'"


class Editor:
    """Edits through a pool; each portion of rows is one transaction."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock | None = None) -> None:
        self._pool, self._clock = pool, clock or SystemClock()

    async def erase_entity(self, identifier: str) -> None:
        """The whole past of an entity. Raises NotFound, Unavailable."""
        await self._carried(identifier)
        async with self._pool.acquire() as connection, connection.transaction():
            if await connection.execute("DELETE FROM history WHERE entity_id = $1", identifier) == "DELETE 0":
                raise NotFound(f"no history of {identifier}")
            await connection.execute(_TELL_LAKE, identifier, None, None, None, True)

    async def erase_attribute(self, identifier: str, name: str, dataset: str | None, every: bool) -> None:
        """Every instance of one data set (None: the default one), or of all. Raises NotFound, Unavailable."""

        def edit(_: int, change: Change) -> Change | None:
            return without_dataset(change, name, dataset, every)

        if not await self._edit(identifier, name, edit, erased=True):
            raise NotFound(f"no such attribute in the history of {identifier}: {name}")
        await self._pool.execute(_TELL_LAKE, identifier, name, None if every else dataset or "", None, True)

    async def erase_instance(self, identifier: str, name: str, instance_id: str) -> None:
        """One instance, and its repetitions in later rows. Raises NotFound, Unavailable."""
        instance = await self.instance(identifier, name, instance_id)
        await self._edit(identifier, name, lambda _, change: without_instance(change, name, instance), erased=True)

    async def change_instance(self, identifier: str, name: str, instance_id: str, fragment: dict[str, Any]) -> None:
        """Overwrites members of one instance. Raises NotFound, Unavailable."""
        place = place_of(name, instance_id)
        await self.instance(identifier, name, instance_id)
        now = to_iso(self._clock.now())

        def edit(seq: int, change: Change) -> Change | None:
            return with_instance(change, name, place[1], fragment, now) if place and seq == place[0] else None

        await self._edit(identifier, name, edit)

    async def instance(self, identifier: str, name: str, instance_id: str) -> dict[str, Any]:
        """One instance as it is stored. Raises NotFound."""
        place = place_of(name, instance_id)
        if place is not None:
            sql = "SELECT change->$3::text AS found FROM history WHERE entity_id = $1 AND seq = $2"
            found = await self._pool.fetchval(sql, identifier, place[0], name)
            instances = found if isinstance(found, list) else [found]
            if place[1] < len(instances) and isinstance(instances[place[1]], dict):
                return dict(instances[place[1]])
        raise NotFound(f"no instance {instance_id} of {name}")

    async def _edit(self, identifier: str, name: str, edit: Edit, erased: bool = False) -> int:
        """Runs `edit` over every row that names the attribute; how many rows it changed. `erased`: nothing of what was may stay."""
        await self._carried(identifier)
        changed, last, count = 0, (_START, -1), HISTORY_READ_ROWS
        while count == HISTORY_READ_ROWS:
            async with self._pool.acquire() as connection, connection.transaction():
                records = await connection.fetch(_READ, identifier, name, *last, HISTORY_READ_ROWS)
                edits = [(record, edit(record["seq"], record["change"])) for record in records]
                done = [(record["seq"], record["at"], new) for record, new in edits if new is not None]
                if done:
                    await connection.execute(_WRITE, *(list(column) for column in zip(*done, strict=True)))
                    seqs = [seq for seq, _, _ in done]
                    await connection.execute(_TELL_LAKE, identifier, name, None, seqs, erased)
            count, changed = len(records), changed + len(done)
            last = (records[-1]["at"], records[-1]["seq"]) if records else last
        if changed:
            await self._pool.execute(_DROP_EMPTY, identifier)
            await self._pool.execute(_FORGET, identifier)
        return changed

    async def _carried(self, identifier: str) -> None:
        until = monotonic_s() + HISTORY_EDIT_WAIT_S
        while await self._pool.fetchval(_WAITING, identifier):
            if monotonic_s() > until:
                raise Unavailable("the latest changes of the entity are not carried yet; try again")
            await asyncio.sleep(0.05)


def without_dataset(change: Change, name: str, dataset: str | None, every: bool) -> Change | None:
    """The change without those instances; None when it had none. Erased places stay empty, so that the ids of the other
    instances hold."""
    if every:
        return {key: value for key, value in change.items() if key != name}
    return _without(change, name, lambda one: one.get("datasetId") == dataset)


def without_instance(change: Change, name: str, instance: dict[str, Any]) -> Change | None:
    """The change without that instance; None when it had it not."""
    return _without(change, name, lambda one: one == instance)


def _without(change: Change, name: str, goes: Callable[[dict[str, Any]], bool]) -> Change | None:
    value = change[name]
    if value is None or (isinstance(value, list) and any(isinstance(one, str) for one in value)):
        return None
    instances = value if isinstance(value, list) else [value]
    left = [None if one is not None and goes(one) else one for one in instances]
    if left == instances:
        return None
    if not any(left):
        return {key: inner for key, inner in change.items() if key != name}
    return change | {name: left}


def with_instance(change: Change, name: str, index: int, fragment: dict[str, Any], now: str) -> Change:
    """The change with members of one instance overwritten; its data set and the time it was made stay."""
    value = change[name]
    instances = list(value) if isinstance(value, list) else [value]
    old = instances[index]
    new = {key: inner for key, inner in fragment.items() if inner is not None}
    kept = {key: inner for key, inner in old.items() if new["type"] == old["type"] or key != VALUE_KEY[old["type"]]}
    instances[index] = kept | new | {"modifiedAt": now}
    return change | {name: instances if isinstance(value, list) else instances[0]}
