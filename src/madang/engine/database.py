"""PostgreSQL: the pool, its JSON codecs, and the schema's numbered migrations."""

from __future__ import annotations

import asyncio
from functools import partial
from importlib.resources import files
from typing import Any

import asyncpg
import msgspec

from madang.base.errors import BadRequest, MadangError, StorageFull, Unavailable

_DECODER = msgspec.json.Decoder()
MIGRATION_LOCK = 0x4D41_4401
LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    ConnectionError,
    OSError,
    TimeoutError,
)


def _encode(prefix: bytes, value: Any) -> bytes:
    return prefix + (value if isinstance(value, bytes) else msgspec.json.encode(value))


def _decode(skip: int, data: bytes) -> Any:
    return _DECODER.decode(data[skip:])


async def _init(connection: asyncpg.Connection) -> None:
    for name in ("json", "jsonb"):
        prefix = b"\x01" if name == "jsonb" else b""
        await connection.set_type_codec(
            name,
            schema="pg_catalog",
            encoder=partial(_encode, prefix),
            decoder=partial(_decode, len(prefix)),
            format="binary",
        )


async def connect_pool(dsn: str, min_size: int = 1, max_size: int = 8, schema: str | None = None) -> asyncpg.Pool:
    """A pool whose `json`/`jsonb` values are Python objects (or ready bytes on the way in), in one schema."""
    return await asyncpg.create_pool(
        dsn,
        min_size=min_size,
        max_size=max_size,
        init=_init,
        command_timeout=60,
        max_inactive_connection_lifetime=0,
        server_settings=_path(schema),
    )


async def connect_planned(dsn: str, max_size: int = 4, schema: str | None = None) -> asyncpg.Pool:
    """A pool for reading statements whose best plan is the same for all values: each is planned once, and as nothing is left
    on a connection, nothing is put back after it."""
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=max_size,
        init=_init,
        reset=_nothing,
        command_timeout=60,
        max_inactive_connection_lifetime=300,
        server_settings={**_path(schema), "plan_cache_mode": "force_generic_plan"},
    )


async def _nothing(connection: asyncpg.Connection) -> None:
    return None


def _path(schema: str | None) -> dict[str, str]:
    return {} if schema is None else {"search_path": schema}


async def is_ready(dsn: str) -> bool:
    """Whether the server takes connections to its maintenance database."""
    connection = await asyncpg.connect(dsn, database="postgres", timeout=2)
    await connection.close()
    return True


async def ensure_database(dsn: str, name: str = "madang") -> None:
    """Creates the database of an embedded server at its first start."""
    connection = await asyncpg.connect(dsn, database="postgres", timeout=10)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()


def migrations() -> list[tuple[int, str, str]]:
    """`(version, name, sql)` of each file `migrations/NNNN_name.sql`, in order."""
    found = [entry for entry in files("madang.engine").joinpath("migrations").iterdir() if entry.name.endswith(".sql")]
    return sorted((int(entry.name[:4]), entry.name, entry.read_text()) for entry in found)


async def migrate(dsn: str, schema: str | None = None) -> int:
    """Brings the schema to this version of Madang; answers how many steps were taken. Safe when many start at once.

    Without a name it is the connection's own one; another is made when it is not there.
    """
    connection = await asyncpg.connect(dsn, timeout=10, server_settings=_path(schema))
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        if schema is not None:
            await connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_version (version int PRIMARY KEY, name text, at timestamptz DEFAULT now())"
        )
        done = {row["version"] for row in await connection.fetch("SELECT version FROM schema_version")}
        steps = migrations()
        newer = done - {version for version, _, _ in steps}
        if newer:
            raise Unavailable(f"the database was written by a newer Madang (schema {max(newer)})")
        todo = [step for step in steps if step[0] not in done]
        for version, name, sql in todo:
            async with connection.transaction():
                await connection.execute(sql)
                await connection.execute("INSERT INTO schema_version (version, name) VALUES ($1, $2)", version, name)
        return len(todo)
    finally:
        await connection.close()


async def fetch(pool: asyncpg.Pool, sql: str, values: list[Any]) -> list[asyncpg.Record]:
    """The rows of a query that a caller shaped. Raises BadRequest for a pattern that PostgreSQL cannot run, and what `explain`
    makes of other errors."""
    try:
        return list(await pool.fetch(sql, *values))
    except (asyncpg.InvalidRegularExpressionError, asyncpg.SyntaxOrAccessError) as error:
        raise BadRequest(f"the query cannot be run: {error}") from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        raise explain(error) from error


def explain(error: BaseException) -> MadangError:
    """The error a caller may see for what the database raised."""
    if isinstance(error, MadangError):
        return error
    if isinstance(error, asyncpg.DiskFullError):
        return StorageFull("the city's storage is full: nothing was written")
    if isinstance(error, asyncpg.InsufficientResourcesError | asyncpg.TooManyConnectionsError):
        return Unavailable("the database is out of resources")
    if isinstance(error, LOST):
        return Unavailable("the database is not answering; try again")
    return MadangError("unexpected database error")


async def retrying(action: Any, attempts: int = 50, wait_s: float = 0.2) -> Any:
    """Runs an idempotent read or write again while the database restarts. Raises the last error."""
    for attempt in range(attempts):
        try:
            return await action()
        except LOST:
            if attempt == attempts - 1:
                raise
            await asyncio.sleep(wait_s)
    raise AssertionError("unreachable")
