"""The part of the current state that this process holds in memory: rows as the database has them now, or nothing."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import asyncpg

from madang.base.limits import SNAPSHOT_MAX_ROWS, SNAPSHOT_MAX_TYPES
from madang.context.row import Row
from madang.context.versions import Versions
from madang.engine.postgres import COUNTERS


def type_key(name: str) -> str:
    """The key of a type's membership: it changes when an entity of that type comes or goes."""
    return "\x1f" + name


class Snapshot:
    """Rows by id and ids by type, the least used dropped first. Ask for the version before you read the database, and give
    it with what you read."""

    def __init__(self, versions: Versions, max_rows: int = SNAPSHOT_MAX_ROWS) -> None:
        self.versions = versions
        self._max_rows = max_rows
        self._rows: OrderedDict[str, tuple[int, Row]] = OrderedDict()
        self._asked: OrderedDict[str, int] = OrderedDict()
        self._members: OrderedDict[str, tuple[int, list[str]]] = OrderedDict()

    def row(self, entity_id: str) -> Row | None:
        """The entity as it is, if it is held."""
        held = self._rows.get(entity_id)
        if held is None:
            return None
        if held[0] != self.versions.of(entity_id):
            del self._rows[entity_id]
            return None
        self._rows.move_to_end(entity_id)
        return held[1]

    def keep(self, version: int, row: Row) -> None:
        """Holds a row read after `version` was."""
        if version & 1 or "expiresAt" in row.entity.body:
            return
        self._rows[row.entity.id] = (version, row)
        if len(self._rows) > self._max_rows:
            self._rows.popitem(last=False)

    def forget(self, entity_id: str) -> None:
        """Lets go of an entity that is no more: nobody asks for it again, so it would stay until all room is taken."""
        self._rows.pop(entity_id, None)

    def members(self, type_name: str) -> list[str] | None:
        """The ids of a type in order, if they are held."""
        held = self._members.get(type_name)
        if held is None or held[0] != self.versions.of(type_key(type_name)):
            return None
        self._members.move_to_end(type_name)
        return held[1]

    def is_still(self, type_name: str) -> bool:
        """Whether the type was asked for before and nothing came or went since: only then a list of it is worth its price."""
        version = self.versions.of(type_key(type_name))
        before = self._asked.pop(type_name, None)
        self._asked[type_name] = version
        if len(self._asked) > SNAPSHOT_MAX_TYPES:
            self._asked.popitem(last=False)
        return before == version

    def keep_members(self, version: int, type_name: str, ids: list[str]) -> None:
        """Holds a type's ids read after `version` was."""
        if version & 1:
            return
        self._members[type_name] = (version, ids)
        if len(self._members) > SNAPSHOT_MAX_TYPES:
            self._members.popitem(last=False)


async def open_snapshot(pool: asyncpg.Pool) -> Snapshot | None:
    """A snapshot that hears of every writer of this database, or None where that cannot be known: only an embedded server
    keeps the counters beside its data, and lets nobody in from another machine."""
    folder = await pool.fetchval("SELECT current_setting('data_directory', true)")
    path = Path(folder or "/nowhere").parent / COUNTERS
    return Snapshot(Versions(path)) if path.exists() else None
