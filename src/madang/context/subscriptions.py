"""Subscriptions in PostgreSQL, with their counters (clause 5.8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import asyncpg

from madang.base.clock import from_iso, to_iso
from madang.base.errors import Conflict, MadangError, NotFound, PreconditionFailed, TooManyResults
from madang.base.limits import SUBSCRIPTIONS_MAX
from madang.engine.sealing import seal_of_city
from madang.model.context import Context
from madang.model.subscription import Subscription

_AS_SEEN = "WHERE id = $1 AND (${0}::timestamptz IS NULL OR modified_at = ${0})"


class Subscriptions:
    """Subscriptions in PostgreSQL, with their counters; `table` is `subscription` or another of its form."""

    def __init__(self, pool: asyncpg.Pool, table: str = "subscription", most: int = SUBSCRIPTIONS_MAX) -> None:
        self._pool, self._table, self._most, self._seal = pool, table, most, seal_of_city()
        self._noted = f"WITH noted AS MATERIALIZED (SELECT nextval('{table}_change')) "

    async def create(
        self,
        subscription: Subscription,
        data: dict[str, Any],
        context: Context,
        maker: dict[str, Any],
        *,
        local: bool = True,
        via: str = "",
    ) -> None:
        """`maker` is the principal whose sight it tells; `local` ones are about this broker alone; `via` are those it came through.
        Raises Conflict, TooManyResults."""
        if await self.count() >= self._most:
            raise TooManyResults(f"there are {self._most} subscriptions already")
        sql = f"{self._noted}INSERT INTO {self._table} (id, body, context, local, via, maker) SELECT $1, $2, $3, $4, $5, $6 FROM noted"  # noqa: S608
        try:
            sealed = self._seal.close_body(data, subscription.id)
            await self._pool.execute(sql, subscription.id, sealed, context.source, local, via, maker)
        except asyncpg.UniqueViolationError:
            raise Conflict(f"{subscription.id} exists already") from None

    async def replace(
        self,
        identifier: str,
        data: dict[str, Any],
        context: Context,
        maker: dict[str, Any],
        seen: datetime | None = None,
    ) -> None:
        """Only as it was `seen` modified, if that is given. Raises NotFound, PreconditionFailed."""
        sql = f"UPDATE {self._table} SET body = $2, context = $3, maker = $4, modified_at = now() FROM noted {_AS_SEEN.format(5)}"  # noqa: S608
        sealed = self._seal.close_body(data, identifier)
        if await self._pool.execute(self._noted + sql, identifier, sealed, context.source, maker, seen) == "UPDATE 0":
            raise missing(f"no subscription {identifier}", seen)

    async def delete(self, identifier: str, seen: datetime | None = None) -> None:
        """As `replace`."""
        sql = f"DELETE FROM {self._table} USING noted {_AS_SEEN.format(2)}"  # noqa: S608
        if await self._pool.execute(self._noted + sql, identifier, seen) == "DELETE 0":
            raise missing(f"no subscription {identifier}", seen)

    async def get(self, identifier: str) -> dict[str, Any]:
        """Raises NotFound."""
        record = await self._pool.fetchrow(f"SELECT * FROM {self._table} WHERE id = $1", identifier)  # noqa: S608
        if record is None:
            raise NotFound(f"no subscription {identifier}")
        return self._seal.open_row(record)

    async def page(self, limit: int, offset: int) -> list[dict[str, Any]]:
        sql = f"SELECT * FROM {self._table} ORDER BY id LIMIT $1 OFFSET $2"  # noqa: S608
        return [self._seal.open_row(record) for record in await self._pool.fetch(sql, limit, offset)]

    async def count(self) -> int:
        return int(await self._pool.fetchval(f"SELECT count(*) FROM {self._table}"))  # noqa: S608

    async def change(self) -> int:
        """A number that grows whenever a subscription is made, changed or deleted."""
        sql = f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {self._table}_change"  # noqa: S608
        return int(await self._pool.fetchval(sql))

    async def every(self) -> list[dict[str, Any]]:
        sql = f"SELECT id, body, context, modified_at, local, via, maker FROM {self._table}"  # noqa: S608
        return [self._seal.open_row(record) for record in await self._pool.fetch(sql)]


def missing(what: str, seen: datetime | None) -> MadangError:
    """Why nothing was written: it is not there, or not as it was seen."""
    return NotFound(what) if seen is None else PreconditionFailed("it was changed meanwhile")


def describe(record: Mapping[str, Any]) -> dict[str, Any]:
    """A subscription as its owner sees it, with counters."""
    body = dict(record["body"])
    notification = dict(body["notification"])
    counts: dict[str, Any] = {}
    if record["times_sent"]:
        failed = {"timesFailed": record["times_failed"]} if record["times_failed"] else {}
        counts = {"timesSent": record["times_sent"], **failed, "status": _health(record)}
    for name, column in (
        ("lastNotification", "last_notification"),
        ("lastSuccess", "last_success"),
        ("lastFailure", "last_failure"),
    ):
        if record[column] is not None:
            counts[name] = to_iso(record[column])
    body["notification"] = notification | counts
    body["status"] = status_of(body, datetime.now(UTC))
    return body


def _health(record: Mapping[str, Any]) -> str:
    failed, told = record["last_failure"], record["last_success"]
    return "failed" if failed and (not told or failed > told) else "ok"


def status_of(body: dict[str, Any], now: datetime) -> str:
    """active, paused or expired (clause 5.2.12)."""
    expires = body.get("expiresAt")
    if expires is not None and from_iso(expires) <= now:
        return "expired"
    return "active" if body.get("isActive", True) else "paused"
