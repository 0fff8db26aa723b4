"""Seals what an earlier version of Madang left in the clear."""

from __future__ import annotations

from typing import Any

import asyncpg
import msgspec

from madang.engine.sealing import PREFIX, Seal

_DOCUMENTS = {
    "subscription": ("id", "body"),
    "csource_subscription": ("id", "body"),
    "csource": ("id", "body"),
    "snapshot": ("id", "body"),
    "csource_told": ("registration_id", "data"),
    "subscription_at_source": ("id", "registration"),
}
_OPEN = '%(receiverInfo|contextSourceInfo|://[^"/]*:[^"/]*@)%'


async def seal_rows(pool: asyncpg.Pool, seal: Seal) -> int:
    """How many rows were sealed now, in the schema of the pool. Times of change stay: nothing was said anew."""
    done = 0
    async with pool.acquire() as connection, connection.transaction():
        for table, (key, column) in _DOCUMENTS.items():
            sql = (
                f"SELECT ctid, {key} AS id, {column} AS body FROM {table} WHERE {column}::text SIMILAR TO $1 FOR UPDATE"  # noqa: S608
            )
            for row in await connection.fetch(sql, _OPEN):
                done += await _seal(connection, table, column, row, seal)
        sql = "SELECT id, token FROM subscription_at_source WHERE NOT starts_with(token, $1) FOR UPDATE"
        for row in await connection.fetch(sql, PREFIX):
            sealed = seal.close(row["token"], row["id"])
            await connection.execute("UPDATE subscription_at_source SET token = $2 WHERE id = $1", row["id"], sealed)
            done += 1
    return done


async def _seal(connection: Any, table: str, column: str, row: Any, seal: Seal) -> int:
    sealed = seal.close_body(row["body"], row["id"])
    if sealed == row["body"]:
        return 0
    sql = f"UPDATE {table} SET {column} = $2 WHERE ctid = $1"  # noqa: S608
    await connection.execute(sql, row["ctid"], msgspec.json.encode(sealed))
    return 1
