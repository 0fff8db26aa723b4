"""Snapshots of NGSI-LD (clauses 5.2.41, 5.16): what is kept of each, and the lock that tells whether its maker lives.

Not to be mixed up with `context.snapshot`, which is memory. Each snapshot is a schema of the database with the tables of a
tenant, so that whatever reads or writes a tenant reads and writes a snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from madang.base.clock import Clock, SystemClock
from madang.base.errors import Conflict, NotFound, TooManyResults
from madang.base.limits import SNAPSHOTS_MAX
from madang.engine.database import explain
from madang.engine.sealing import seal_of_city

PREPARING = "preparing"
DEFAULT_PRIORITY = 5
LOCK = 0x4D41_4404
_SCHEMA = "current_schema() || '_snapshot_' || number"
_COLUMNS = f"*, {_SCHEMA} AS schema"
_CREATE = f"""
INSERT INTO snapshot (id, number, body, created_at, modified_at, expires_at, last_used_at)
VALUES ($1, $2, $3, $4, $4, $5, $4) RETURNING {_COLUMNS}
"""  # noqa: S608 - constant text
_FINISH = f"""
UPDATE snapshot SET status = $2, details = $3, modified_at = $4 WHERE id = $1 AND number = $5 RETURNING {_COLUMNS}
"""  # noqa: S608 - constant text
_INTERRUPTED = f"""
WITH left_over AS MATERIALIZED (SELECT id, {_SCHEMA} AS schema FROM snapshot WHERE status = 'preparing'),
free AS MATERIALIZED (SELECT id FROM left_over WHERE pg_try_advisory_xact_lock({LOCK}, hashtext(schema)))
UPDATE snapshot SET status = 'failure', details = $1, modified_at = $2 FROM free WHERE snapshot.id = free.id
"""  # noqa: S608 - constant text
INTERRUPTED = {
    "resultStatus": "failure",
    "problemDetails": {
        "type": "https://uri.etsi.org/ngsi-ld/errors/InternalError",
        "title": "Interrupted",
        "detail": "the process that made the snapshot ended before it was ready",
    },
}
QUERIES = {"snapshotQueries": "snapshotQueriesDetails", "snapshotTemporalQueries": "snapshotTemporalQueriesDetails"}


@dataclass(frozen=True)
class Copy:
    """A snapshot: `body` is what the client said, `details` how its queries went, by member (clause 5.2.42)."""

    id: str
    schema: str
    body: dict[str, Any]
    status: str
    details: dict[str, Any]
    created: datetime
    modified: datetime
    expires: datetime
    used: datetime

    @property
    def priority(self) -> int:
        return int(self.body.get("snapshotPriority", DEFAULT_PRIORITY))


class Copies:
    """The snapshots of one tenant."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock | None = None) -> None:
        self._pool, self.clock, self._seal = pool, clock or SystemClock(), seal_of_city()

    async def reserve(self, connection: asyncpg.Connection) -> int:
        """A number for a new snapshot, locked by the maker's connection as long as that lives."""
        number = int(await connection.fetchval("SELECT nextval('snapshot_number')"))
        sql = f"SELECT pg_advisory_lock({LOCK}, hashtext({_SCHEMA.replace('number', '$1::int')}))"
        await connection.execute(sql, number)
        return number

    async def release(self, connection: asyncpg.Connection, copy: Copy) -> None:
        await connection.execute(f"SELECT pg_advisory_unlock({LOCK}, hashtext($1))", copy.schema)

    async def create(self, identifier: str, number: int, body: dict[str, Any], expires: datetime) -> Copy:
        """Raises Conflict, and TooManyResults when there are so many already that none of less priority can go."""
        sealed = self._seal.close_body(body, identifier)
        return self._copy(await self._run("fetchrow", _CREATE, identifier, number, sealed, self.clock.now(), expires))

    async def room_for(self, priority: int) -> Copy | None:
        """Which one goes for another of that priority (clause 5.5.15): the least, then the one that ends first; None while
        there is room. Raises TooManyResults when all matter more."""
        found = [self._copy(one) for one in await self._run("fetch", f"SELECT {_COLUMNS} FROM snapshot")]  # noqa: S608
        if len(found) < SNAPSHOTS_MAX:
            return None
        least = min(found, key=lambda one: (one.priority, one.expires))
        if least.priority > priority:
            raise TooManyResults(f"there are {SNAPSHOTS_MAX} snapshots of higher priority already")
        return least

    async def find(self, identifier: str) -> Copy | None:
        """One that is not over. One that nobody makes any more says so."""
        sql = f"SELECT {_COLUMNS} FROM snapshot WHERE id = $1 AND expires_at > $2"  # noqa: S608
        record = await self._run("fetchrow", sql, identifier, self.clock.now())
        if record is not None and record["status"] == PREPARING:
            await self.mark_interrupted()
            record = await self._run("fetchrow", sql, identifier, self.clock.now())
        return None if record is None else self._copy(record)

    async def get(self, identifier: str) -> Copy:
        """Raises NotFound."""
        found = await self.find(identifier)
        if found is None:
            raise NotFound(f"no snapshot {identifier}")
        return found

    async def every(self) -> list[Copy]:
        """All that are not over, by id."""
        sql = f"SELECT {_COLUMNS} FROM snapshot WHERE expires_at > $1 ORDER BY id"  # noqa: S608
        return [self._copy(record) for record in await self._run("fetch", sql, self.clock.now())]

    async def over(self) -> list[Copy]:
        sql = f"SELECT {_COLUMNS} FROM snapshot WHERE expires_at <= $1"  # noqa: S608
        return [self._copy(record) for record in await self._run("fetch", sql, self.clock.now())]

    async def finish(self, copy: Copy, status: str, details: dict[str, Any]) -> Copy | None:
        """None when it was deleted meanwhile."""
        number = int(copy.schema.rsplit("_", 1)[1])
        record = await self._run("fetchrow", _FINISH, copy.id, status, details, self.clock.now(), number)
        return None if record is None else self._copy(record)

    async def change(self, identifier: str, body: dict[str, Any], expires: datetime) -> Copy:
        """Raises NotFound."""
        sql = f"UPDATE snapshot SET body = $2, expires_at = $3, modified_at = $4 WHERE id = $1 RETURNING {_COLUMNS}"  # noqa: S608
        sealed = self._seal.close_body(body, identifier)
        record = await self._run("fetchrow", sql, identifier, sealed, expires, self.clock.now())
        if record is None:
            raise NotFound(f"no snapshot {identifier}")
        return self._copy(record)

    async def use(self, identifier: str) -> None:
        await self._run("execute", "UPDATE snapshot SET last_used_at = $2 WHERE id = $1", identifier, self.clock.now())

    async def delete(self, copy: Copy) -> None:
        """With everything in it."""
        await self._run("execute", "DELETE FROM snapshot WHERE id = $1", copy.id)
        await self.drop(copy)

    async def drop(self, copy: Copy) -> None:
        await self._run("execute", f'DROP SCHEMA IF EXISTS "{copy.schema}" CASCADE')

    async def mark_interrupted(self) -> None:
        """Those that are said to be prepared, though their maker is gone, have failed."""
        details = {"interrupted": INTERRUPTED}
        await self._run("execute", _INTERRUPTED, details, self.clock.now())

    def _copy(self, record: asyncpg.Record) -> Copy:
        return _copy(self._seal.open_row(record))

    async def _run(self, method: str, sql: str, *values: Any) -> Any:
        try:
            return await getattr(self._pool, method)(sql, *values)
        except asyncpg.UniqueViolationError:
            raise Conflict("a snapshot of that id exists already") from None
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise explain(error) from error


def _copy(record: Mapping[str, Any]) -> Copy:
    details = record["details"]
    if "interrupted" in details:
        body = record["body"]
        details = {told: [details["interrupted"]] * len(body[said]) for said, told in QUERIES.items() if said in body}
    return Copy(
        record["id"],
        record["schema"],
        record["body"],
        record["status"],
        details,
        record["created_at"],
        record["modified_at"],
        record["expires_at"],
        record["last_used_at"],
    )
