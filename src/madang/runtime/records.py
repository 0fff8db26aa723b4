"""What the database knows of apps: which are installed, their versions, what happened to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from madang.base.errors import Conflict, NotFound
from madang.base.limits import APP_EVENTS_MAX, APP_VERSIONS_MAX
from madang.runtime.manifest import Manifest, Scope

_APP = "SELECT id, number, version, folder, manifest, grants, wanted, waiting, verified, installed_at FROM app"
_VERSION = "SELECT app, version, folder, manifest, sha256, python, used_at FROM app_version"


@dataclass(frozen=True)
class Installed:
    """`number`: never given to another app. `waiting`: a version that asks for more than was granted."""

    id: str
    number: int
    version: str
    folder: str
    manifest: Manifest
    grants: list[Scope]
    wanted: bool
    waiting: str | None
    verified: bool
    installed_at: datetime


@dataclass(frozen=True)
class Version:
    """`sha256`: of its package, nothing of a folder of this machine; `python`: the interpreter of its virtual environment."""

    app: str
    version: str
    folder: str
    manifest: Manifest
    sha256: str
    python: str
    used_at: datetime


@dataclass(frozen=True)
class Event:
    """Something that happened to an app; kinds stand in `host.py` and `doorman.py`."""

    app: str
    at: datetime
    kind: str
    detail: str


class Records:
    """Every statement about apps but those of the meter."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def find(self, app_id: str) -> Installed | None:
        record = await self._pool.fetchrow(f"{_APP} WHERE id = $1", app_id)
        return None if record is None else _installed(record)

    async def by_token(self, digest: str) -> Installed | None:
        record = await self._pool.fetchrow(f"{_APP} WHERE token_hash = $1", digest)
        return None if record is None else _installed(record)

    async def every(self) -> list[Installed]:
        return [_installed(record) for record in await self._pool.fetch(f"{_APP} ORDER BY id")]

    async def add(self, version: Version, grants: Sequence[Scope], verified: bool) -> None:
        """Raises Conflict when it is installed."""
        async with self._pool.acquire() as connection, connection.transaction():
            try:
                await connection.execute(
                    "INSERT INTO app (id, version, folder, manifest, grants, token_hash, verified)"
                    " VALUES ($1, $2, $3, $4, $5, '', $6)",
                    version.app, version.version, version.folder, msgspec.to_builtins(version.manifest),
                    msgspec.to_builtins(grants), verified,
                )  # fmt: skip
            except asyncpg.UniqueViolationError:
                raise Conflict(f"{version.app} is installed already") from None
            await connection.execute("DELETE FROM app_version WHERE app = $1", version.app)
            await _add_version(connection, version)

    async def remove(self, app_id: str) -> int:
        """How many events are gone with it."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("DELETE FROM app WHERE id = $1", app_id)
            await connection.execute("DELETE FROM app_version WHERE app = $1", app_id)
            done = await connection.execute("DELETE FROM app_event WHERE app = $1", app_id)
        return int(done.rpartition(" ")[2])

    async def want(self, app_id: str, wanted: bool, digest: str) -> None:
        await self._pool.execute("UPDATE app SET wanted = $2, token_hash = $3 WHERE id = $1", app_id, wanted, digest)

    async def regrant(self, app_id: str, grants: Sequence[Scope]) -> None:
        await self._pool.execute("UPDATE app SET grants = $2 WHERE id = $1", app_id, msgspec.to_builtins(grants))

    async def wait_for(self, app_id: str, version: str | None) -> None:
        await self._pool.execute("UPDATE app SET waiting = $2 WHERE id = $1", app_id, version)

    async def add_version(self, version: Version) -> None:
        await _add_version(self._pool, version)

    async def versions(self, app_id: str) -> list[Version]:
        """The last used first."""
        records = await self._pool.fetch(f"{_VERSION} WHERE app = $1 ORDER BY used_at DESC, version", app_id)
        return [_version(record) for record in records]

    async def version(self, app_id: str, version: str) -> Version:
        """Raises NotFound."""
        record = await self._pool.fetchrow(f"{_VERSION} WHERE app = $1 AND version = $2", app_id, version)
        if record is None:
            raise NotFound(f"no version {version} of {app_id}")
        return _version(record)

    async def use(self, app_id: str, version: Version, grants: Sequence[Scope], now: datetime) -> None:
        """From now on that version, and nothing waits."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "UPDATE app SET version = $2, folder = $3, manifest = $4, grants = $5, waiting = NULL WHERE id = $1",
                app_id, version.version, version.folder, msgspec.to_builtins(version.manifest), msgspec.to_builtins(grants),
            )  # fmt: skip
            await connection.execute(
                "UPDATE app_version SET used_at = $3 WHERE app = $1 AND version = $2", app_id, version.version, now
            )

    async def surplus(self, app_id: str) -> list[str]:
        """Versions beyond those that are kept."""
        return [one.version for one in (await self.versions(app_id))[APP_VERSIONS_MAX:]]

    async def forget_version(self, app_id: str, version: str) -> None:
        await self._pool.execute("DELETE FROM app_version WHERE app = $1 AND version = $2", app_id, version)

    async def happened(self, events: Iterable[Event]) -> None:
        """Keeps events of installed apps, the last of each."""
        told = [(one.app, one.at, one.kind, one.detail[:500]) for one in events]
        if not told:
            return
        await self._pool.executemany(
            "INSERT INTO app_event (app, at, kind, detail) SELECT $1, $2, $3, $4 WHERE EXISTS (SELECT FROM app WHERE id = $1)",
            told,
        )
        for app_id in sorted({one[0] for one in told}):
            await self._pool.execute(
                "DELETE FROM app_event WHERE app = $1 AND seq <= (SELECT seq FROM app_event WHERE app = $1"
                " ORDER BY seq DESC OFFSET $2 LIMIT 1)",
                app_id, APP_EVENTS_MAX,
            )  # fmt: skip

    async def events(self, app_id: str, limit: int) -> list[Event]:
        """The last first."""
        records = await self._pool.fetch(
            "SELECT app, at, kind, detail FROM app_event WHERE app = $1 ORDER BY seq DESC LIMIT $2", app_id, limit
        )
        return [Event(*record) for record in records]


async def _add_version(connection: Any, version: Version) -> None:
    await connection.execute(
        "INSERT INTO app_version (app, version, folder, manifest, sha256, python, used_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        version.app, version.version, version.folder, msgspec.to_builtins(version.manifest), version.sha256, version.python,
        version.used_at,
    )  # fmt: skip


def _installed(record: asyncpg.Record) -> Installed:
    values = dict(record)
    values["manifest"] = msgspec.convert(values["manifest"], Manifest)
    values["grants"] = msgspec.convert(values["grants"], list[Scope])
    return Installed(**values)


def _version(record: asyncpg.Record) -> Version:
    return Version(**{**dict(record), "manifest": msgspec.convert(record["manifest"], Manifest)})
