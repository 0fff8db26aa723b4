"""Installed apps: their grants, tokens and processes."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from madang.base.errors import Conflict, NotFound, Unavailable
from madang.engine.privilege import APP_UID, own
from madang.runtime.manifest import Manifest, Scope, load_manifest
from madang.runtime.sandbox import level
from madang.trust.caller import Claim
from madang.trust.policy.subjects import Grant
from madang.trust.principal import Principal

Ask = Callable[[dict[str, Any]], Awaitable[Any]]
Heard = Callable[[str], Awaitable[None]]


class Apps:
    """The apps of one city. `ask` talks to the supervisor; `door` is the app door's unix socket."""

    def __init__(self, pool: asyncpg.Pool, ask: Ask, door: Path, data_dir: Path) -> None:
        self._pool, self._ask, self._door, self._data = pool, ask, door, data_dir
        self.leaving: Heard = _nobody
        self.left: Heard = _nobody
        self._claims: dict[str, Claim] = {}

    async def claim(self, token: str) -> Claim | None:
        """Whose token this is, and what was granted."""
        digest = _digest(token)
        if digest not in self._claims:
            claims = self._claims
            record = await self._pool.fetchrow("SELECT id, grants FROM app WHERE token_hash = $1", digest)
            if record is None:
                return None
            scopes = msgspec.convert(record["grants"], list[Scope])
            principal = Principal("app", record["id"], frozenset({"app"}))
            # Into the cache of before the question: a stop meanwhile has put a new one in its place.
            claims[digest] = claim = Claim(principal, tuple(scope.grant() for scope in scopes))
            return claim
        return self._claims[digest]

    async def grants_of(self, app_id: str) -> tuple[Grant, ...]:
        """What was granted to an installed app; nothing to another."""
        record = await self._pool.fetchrow("SELECT grants FROM app WHERE id = $1", app_id)
        return (
            () if record is None else tuple(scope.grant() for scope in msgspec.convert(record["grants"], list[Scope]))
        )

    async def install(self, folder: Path) -> Manifest:
        """Everything the manifest asks for is granted: the demo's operator installs by hand and sees the list. Raises
        BadRequest for a bad manifest, Conflict when it is installed."""
        folder = folder.resolve()
        manifest = load_manifest(folder)
        try:
            await self._pool.execute(
                "INSERT INTO app (id, folder, manifest, grants, token_hash) VALUES ($1, $2, $3, $4, '')",
                manifest.id,
                str(folder),
                msgspec.to_builtins(manifest),
                msgspec.to_builtins(manifest.scopes),
            )
        except asyncpg.UniqueViolationError:
            raise Conflict(f"{manifest.id} is installed already") from None
        return manifest

    async def start(self, app_id: str) -> None:
        """A new token for each start: the one before ends with its process."""
        record = await self._record(app_id)
        manifest = msgspec.convert(record["manifest"], Manifest)
        token = secrets.token_urlsafe(32)
        await self._pool.execute("UPDATE app SET token_hash = $2, wanted = true WHERE id = $1", app_id, _digest(token))
        self._claims = {}
        await self._supervise({"op": "start", "name": f"app:{app_id}", "spec": self._spec(record, manifest, token)})

    def _spec(self, record: asyncpg.Record, manifest: Manifest, token: str) -> dict[str, Any]:
        data = own(self._data / manifest.id, APP_UID)
        env = {
            "MADANG_APP_ID": manifest.id,
            "MADANG_APP_DOOR": str(self._door),
            "MADANG_APP_TOKEN": token,
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        } | {name: os.environ[name] for name in ("PYTHONPATH", "MADANG_APP_LOCKSTEP") if name in os.environ}
        argv = [sys.executable, "-m", "madang.runtime.launch", record["folder"], manifest.entry, str(data)]
        return {"argv": argv, "env": env}

    async def stop(self, app_id: str) -> None:
        await self._record(app_id)
        await self._pool.execute("UPDATE app SET wanted = false, token_hash = '' WHERE id = $1", app_id)
        self._claims = {}
        await self._supervise({"op": "stop", "name": f"app:{app_id}"})

    async def remove(self, app_id: str) -> None:
        """Stops it and forgets it; its data folder goes too. Who wants to know hears of it before and after."""
        await self.stop(app_id)
        await self.leaving(app_id)
        await self._pool.execute("DELETE FROM app WHERE id = $1", app_id)
        await self._supervise({"op": "remove", "name": f"app:{app_id}"})
        shutil.rmtree(self._data / app_id, ignore_errors=True)
        await self.left(app_id)

    async def list_returning(self, components: dict[str, Any]) -> list[str]:
        """The apps that were switched on when the instance ended, but for those that the supervisor still keeps."""
        records = await self._pool.fetch("SELECT id FROM app WHERE wanted ORDER BY id")
        return [record["id"] for record in records if f"app:{record['id']}" not in components]

    async def page(self, components: dict[str, Any]) -> list[dict[str, Any]]:
        """Every app with its state."""
        records = await self._pool.fetch("SELECT id, manifest, grants, wanted FROM app ORDER BY id")
        return [
            {
                "id": record["id"],
                "version": record["manifest"]["version"],
                "name": record["manifest"]["name"],
                "summary": record["manifest"]["summary"],
                "state": _state(components.get(f"app:{record['id']}"), record["wanted"]),
                "sandbox": level(),
                "grants": record["grants"],
                "reasons": record["manifest"].get("reasons", {}),
            }
            for record in records
        ]

    async def manifest(self, app_id: str) -> Manifest:
        """What an installed app declared. Raises NotFound."""
        return msgspec.convert((await self._record(app_id))["manifest"], Manifest)

    async def manifests(self) -> list[Manifest]:
        """Those of all installed apps, by id."""
        records = await self._pool.fetch("SELECT manifest FROM app ORDER BY id")
        return [msgspec.convert(record["manifest"], Manifest) for record in records]

    async def names(self, language: str) -> list[tuple[str, str]]:
        """Id and name of each installed app."""
        return [(manifest.id, manifest.name[language]) for manifest in await self.manifests()]

    async def _record(self, app_id: str) -> asyncpg.Record:
        record = await self._pool.fetchrow("SELECT * FROM app WHERE id = $1", app_id)
        if record is None:
            raise NotFound(f"no app {app_id}")
        return record

    async def _supervise(self, request: dict[str, Any]) -> None:
        try:
            await self._ask(request)
        except (OSError, TimeoutError, RuntimeError) as error:
            raise Unavailable(f"the supervisor does not answer: {error}") from None


async def _nobody(app_id: str) -> None:
    return None


def _state(component: dict[str, Any] | None, wanted: bool) -> str:
    if component is None or component["state"] == "stopped":
        return "starting" if wanted else "stopped"
    return str(component["state"])


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
