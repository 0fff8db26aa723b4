"""Registrations and the subscriptions to them in PostgreSQL (clauses 5.9, 5.11)."""

from __future__ import annotations

from typing import Any

import asyncpg

from madang.base.errors import Conflict, NotFound, TooManyResults
from madang.base.limits import REGISTRATIONS_MAX
from madang.engine.database import explain
from madang.model.context import Context

_NOTED = "WITH noted AS MATERIALIZED (SELECT nextval('csource_change')) "
_CHANGE = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM csource_change"


class Documents:
    """One table of JSON documents with the context their names are in. `noun` is what messages call one."""

    def __init__(self, pool: asyncpg.Pool, table: str, noun: str) -> None:
        self._pool, self._table, self._noun = pool, table, noun

    async def create(self, identifier: str, data: dict[str, Any], context: Context) -> None:
        """Raises Conflict, TooManyResults at the limit."""
        if await self.count() >= REGISTRATIONS_MAX:
            raise TooManyResults(f"there are {REGISTRATIONS_MAX} of {self._noun} already")
        sql = f"{_NOTED}INSERT INTO {self._table} (id, body, context) SELECT $1, $2, $3 FROM noted"  # noqa: S608
        try:
            await self._run("execute", sql, identifier, data, context.source)
        except asyncpg.UniqueViolationError:
            raise Conflict(f"{identifier} exists already") from None

    async def replace(self, identifier: str, data: dict[str, Any], context: Context) -> None:
        """Raises NotFound."""
        sql = f"UPDATE {self._table} SET body = $2, context = $3, modified_at = now() FROM noted WHERE id = $1"  # noqa: S608
        if await self._run("execute", _NOTED + sql, identifier, data, context.source) == "UPDATE 0":
            raise NotFound(f"no {self._noun} {identifier}")

    async def delete(self, identifier: str) -> None:
        """Raises NotFound."""
        sql = f"DELETE FROM {self._table} USING noted WHERE id = $1"  # noqa: S608 - constant text
        if await self._run("execute", _NOTED + sql, identifier) == "DELETE 0":
            raise NotFound(f"no {self._noun} {identifier}")

    async def get(self, identifier: str) -> asyncpg.Record:
        """Raises NotFound."""
        record = await self._run("fetchrow", f"SELECT * FROM {self._table} WHERE id = $1", identifier)  # noqa: S608
        if record is None:
            raise NotFound(f"no {self._noun} {identifier}")
        return record

    async def every(self) -> list[asyncpg.Record]:
        """All, in the order of their ids."""
        return list(await self._run("fetch", f"SELECT * FROM {self._table} ORDER BY id"))  # noqa: S608

    async def count(self) -> int:
        return int(await self._run("fetchval", f"SELECT count(*) FROM {self._table}"))  # noqa: S608

    async def change(self) -> int:
        """A number that grows whenever a registration, or a subscription to them, is made, changed or deleted."""
        return int(await self._run("fetchval", _CHANGE))

    async def note_sent(self, identifier: str, ok: bool) -> None:
        """Counts a notification of a subscription (clause 5.11.7)."""
        column = "last_success" if ok else "last_failure"
        sql = (
            f"UPDATE {self._table} SET times_sent = times_sent + 1, times_failed = times_failed + $2,"  # noqa: S608
            f" last_notification = now(), {column} = now() WHERE id = $1"
        )
        await self._run("execute", sql, identifier, int(not ok))

    async def _run(self, method: str, sql: str, *values: Any) -> Any:
        try:
            return await getattr(self._pool, method)(sql, *values)
        except asyncpg.UniqueViolationError:
            raise
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise explain(error) from error


def registrations(pool: asyncpg.Pool) -> Documents:
    """Who else holds context."""
    return Documents(pool, "csource", "registration")


def registration_subscriptions(pool: asyncpg.Pool) -> Documents:
    """Who is told of registrations."""
    return Documents(pool, "csource_subscription", "subscription")
