"""Registrations in PostgreSQL (clause 5.9)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import asyncpg

from madang.base.errors import Conflict, NotFound, TooManyResults
from madang.base.limits import REGISTRATIONS_MAX
from madang.context.subscriptions import missing
from madang.engine.database import explain
from madang.engine.sealing import seal_of_city
from madang.model.context import Context

_NOTED = "WITH noted AS MATERIALIZED (SELECT nextval('csource_change')) "
_CHANGE = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM csource_change"


class Registrations:
    """JSON documents, each with the context that its names are in."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool, self._seal = pool, seal_of_city()

    async def create(self, identifier: str, data: dict[str, Any], context: Context) -> None:
        """Raises Conflict, TooManyResults at the limit."""
        if await self.count() >= REGISTRATIONS_MAX:
            raise TooManyResults(f"there are {REGISTRATIONS_MAX} registrations already")
        sql = f"{_NOTED}INSERT INTO csource (id, body, context) SELECT $1, $2, $3 FROM noted"  # noqa: S608
        try:
            sealed = self._seal.close_body(data, identifier)
            await self._run("execute", sql, identifier, sealed, context.source)
        except asyncpg.UniqueViolationError:
            raise Conflict(f"{identifier} exists already") from None

    async def replace(
        self, identifier: str, data: dict[str, Any], context: Context, seen: datetime | None = None
    ) -> None:
        """Only as it was `seen` modified, if that is given. Raises NotFound, PreconditionFailed."""
        sql = (
            "UPDATE csource SET body = $2, context = $3, modified_at = now() FROM noted"
            " WHERE id = $1 AND ($4::timestamptz IS NULL OR modified_at = $4)"
        )
        sealed = self._seal.close_body(data, identifier)
        if await self._run("execute", _NOTED + sql, identifier, sealed, context.source, seen) == "UPDATE 0":
            raise missing(f"no registration {identifier}", seen)

    async def delete(self, identifier: str, seen: datetime | None = None) -> None:
        """As `replace`."""
        sql = "DELETE FROM csource USING noted WHERE id = $1 AND ($2::timestamptz IS NULL OR modified_at = $2)"
        if await self._run("execute", _NOTED + sql, identifier, seen) == "DELETE 0":
            raise missing(f"no registration {identifier}", seen)

    async def get(self, identifier: str) -> dict[str, Any]:
        """Raises NotFound."""
        record = await self._run("fetchrow", "SELECT * FROM csource WHERE id = $1", identifier)
        if record is None:
            raise NotFound(f"no registration {identifier}")
        return self._seal.open_row(record)

    async def versions(self, since: datetime | None) -> dict[str, datetime]:
        """When those were written that were written since then; all without a moment."""
        sql = "SELECT id, modified_at FROM csource WHERE $1::timestamptz IS NULL OR modified_at >= $1"
        return {record["id"]: record["modified_at"] for record in await self._run("fetch", sql, since)}

    async def some(self, ids: list[str]) -> list[dict[str, Any]]:
        rows = await self._run("fetch", "SELECT * FROM csource WHERE id = ANY($1)", ids)
        return [self._seal.open_row(row) for row in rows]

    async def ids(self) -> set[str]:
        return {record["id"] for record in await self._run("fetch", "SELECT id FROM csource")}

    async def count(self) -> int:
        return int(await self._run("fetchval", "SELECT count(*) FROM csource"))

    async def change(self) -> int:
        """A number that grows whenever a registration is made, changed or deleted."""
        return int(await self._run("fetchval", _CHANGE))

    async def _run(self, method: str, sql: str, *values: Any) -> Any:
        try:
            return await getattr(self._pool, method)(sql, *values)
        except asyncpg.UniqueViolationError:
            raise
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise explain(error) from error
