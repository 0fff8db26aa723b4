"""Installed apps: the one door to their life. Install, enable, grant, update, roll back, disable, uninstall."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import asyncpg

from madang.base.clock import Clock, SystemClock, to_iso
from madang.base.errors import BadRequest, Conflict, Forbidden, NotFound
from madang.runtime.installing import Source, take
from madang.runtime.manifest import Manifest, Scope
from madang.runtime.rating import Rating, rate
from madang.runtime.records import Installed, Records, Version
from madang.runtime.running import Ask, Running
from madang.runtime.sandbox import level_for
from madang.runtime.scopes import carried, narrowed, new_in, subject, within, without
from madang.runtime.storage import Shelves
from madang.trust.caller import Claim
from madang.trust.policy.subjects import Grant
from madang.trust.principal import Principal

Heard = Callable[[str], Awaitable[None]]
Receipt = dict[str, Any]


class Produce(Protocol):
    """Entities by type; see `context.produce`."""

    async def count(self, types: Sequence[str]) -> dict[str, int]: ...

    async def clear(self, types: Sequence[str]) -> dict[str, int]: ...


class Apps:
    """The apps of one city. `ask` talks to the supervisor; `door` is the app door's unix socket; `floor`: an app of an unknown
    publisher runs at that level of sandbox or not at all."""

    def __init__(
        self, pool: asyncpg.Pool, ask: Ask, door: Path, data_dir: Path, floor: int = 0, clock: Clock | None = None
    ) -> None:
        self._records, self._shelves = Records(pool), Shelves(data_dir)
        self._floor, self._clock = floor, clock or SystemClock()
        self.running = Running(ask, door, self._shelves)
        self.leaving: Heard = _nobody
        self.left: Heard = _nobody
        self.produce: Produce | None = None
        self._claims: dict[str, Claim] = {}
        self._turn = asyncio.Lock()

    async def claim(self, token: str) -> Claim | None:
        """Whose token this is, and what was granted."""
        digest = self.running.digest(token)
        if digest not in self._claims:
            claims = self._claims
            found = await self._records.by_token(digest)
            if found is None:
                return None
            principal = Principal("app", found.id, frozenset({"app"}))
            # Into the cache of before the question: a stop meanwhile has put a new one in its place.
            claims[digest] = claim = Claim(principal, tuple(scope.grant() for scope in found.grants))
            return claim
        return self._claims[digest]

    async def grants_of(self, app_id: str) -> tuple[Grant, ...]:
        """What was granted to an installed app; nothing to another."""
        found = await self._records.find(app_id)
        return () if found is None else tuple(scope.grant() for scope in found.grants)

    async def install(self, source: Source, grants: Sequence[Scope] | None = None, verified: bool = False) -> Manifest:
        """From a folder of this machine or a package's bytes. `grants`: less than it asks for, None for all of it; `verified`: the
        publisher is who they say. Nothing runs yet. Raises BadRequest for a bad manifest, Conflict when it is installed, Forbidden
        below the floor, and what `venvs.build` raises."""

        async def new(manifest: Manifest) -> None:
            self._above_floor(manifest, verified)
            if await self._records.find(manifest.id) is not None:
                raise Conflict(f"{manifest.id} is installed already")
            if grants is not None:
                within(grants, manifest.scopes)

        async with self._turn:
            taken = await take(source, self._shelves, self._clock.now(), new)
            await self._records.add(taken, taken.manifest.scopes if grants is None else grants, verified)
        return taken.manifest

    async def enable(self, app_id: str) -> None:
        """Starts it, with a new token: the one before ends with its process. Raises Forbidden below the floor."""
        found = await self.find(app_id)
        self._above_floor(found.manifest, found.verified)
        token = self.running.token()
        await self._records.want(app_id, True, self.running.digest(token))
        self._claims = {}
        await self.running.start(found, await self._records.version(app_id, found.version), token)

    async def disable(self, app_id: str) -> None:
        """Stops it; what it wrote stays."""
        await self.find(app_id)
        await self._records.want(app_id, False, "")
        self._claims = {}
        await self.running.stop(app_id)

    async def grant(self, app_id: str, scope: Scope) -> None:
        """Something that it asked for. In force within a second, for what is open already too. Raises BadRequest."""
        found = await self.find(app_id)
        kept = [one for one in without(found.grants, subject(scope)) if one != scope]
        await self._regrant(app_id, [*kept, *within([scope], found.manifest.scopes)])

    async def narrow(self, app_id: str, action: str, about: str, attributes: Sequence[str]) -> None:
        """No other attributes of that type than these. Raises BadRequest."""
        found = await self.find(app_id)
        await self._regrant(app_id, narrowed(found.grants, (action, about), attributes))

    async def revoke(self, app_id: str, action: str, about: str) -> None:
        """Nothing of that type or kind any more."""
        found = await self.find(app_id)
        await self._regrant(app_id, without(found.grants, (action, about)))

    async def regrant(self, app_id: str, grants: Sequence[Scope]) -> list[Scope]:
        """These and no others, of what it asked for. Raises BadRequest."""
        granted = within(grants, (await self.find(app_id)).manifest.scopes)
        await self._regrant(app_id, granted)
        return granted

    async def _regrant(self, app_id: str, grants: Sequence[Scope]) -> None:
        await self._records.regrant(app_id, grants)
        self._claims = {}

    async def update(self, source: Source, app_id: str | None = None) -> list[Scope]:
        """Another version of an installed app (of `app_id` and no other, if given). When it asks for more than the one before, it
        waits until somebody accepts or declines, and what it asks is given; else it is in use. Raises Conflict for a version that is
        there."""
        async with self._turn:
            taken = await take(source, self._shelves, self._clock.now(), partial(self._not_there, app_id))
            found = await self.find(taken.app)
            await self._records.add_version(taken)
        more = new_in(taken.manifest.scopes, found.manifest.scopes)
        if more:
            await self._records.wait_for(found.id, taken.version)
        else:
            await self._use(found, taken, carried(found.grants, taken.manifest.scopes))
        return more

    async def accept(self, app_id: str) -> None:
        """The update that waits, with what it newly asks for. Raises NotFound when none waits."""
        found = await self.find(app_id)
        version = await self._waiting(found)
        more = new_in(version.manifest.scopes, found.manifest.scopes)
        await self._use(found, version, [*carried(found.grants, version.manifest.scopes), *more])

    async def decline(self, app_id: str) -> None:
        """The update that waits. Raises NotFound when none waits."""
        found = await self.find(app_id)
        version = await self._waiting(found)
        await self._records.wait_for(app_id, None)
        await self._forget_version(app_id, version.version)

    async def rollback(self, app_id: str) -> str:
        """To the version in use before, which is given, with no more than is granted now. Raises NotFound when there is none."""
        found = await self.find(app_id)
        before = [
            one for one in await self._records.versions(app_id) if one.version not in (found.version, found.waiting)
        ]
        if not before:
            raise NotFound(f"{app_id} has no version before {found.version}")
        await self._use(found, before[0], carried(found.grants, before[0].manifest.scopes))
        return before[0].version

    async def made(self, app: Installed) -> dict[str, int]:
        """How many entities there are of the types that it alone says it makes: nobody else of the installed apps does."""
        others = {one.type for other in await self.installed() if other.id != app.id for one in other.manifest.produces}
        own = sorted({one.type for one in app.manifest.produces} - others)
        return {} if self.produce is None or not own else await self.produce.count(own)

    async def uninstall(self, app_id: str, clear: Sequence[str] = ()) -> Receipt:
        """Stops it, hands over what it wrote, and forgets it; what it used stays on the bill. `clear`: of the types that it alone
        made, those whose entities go with it. Who wants to know hears of it before and after. Gives the receipt: what was handed
        over, what is gone. Raises BadRequest for another type."""
        found = await self.find(app_id)
        strange = set(clear) - (await self.made(found)).keys()
        if strange:
            raise BadRequest(f"not of this app alone: {', '.join(sorted(strange))}")
        await self.disable(app_id)
        await self.leaving(app_id)
        at = self._clock.now()
        export = self._shelves.export(app_id, at.strftime("%Y%m%dT%H%M%S%fZ"))
        versions = [one.version for one in await self._records.versions(app_id)]
        gone = await self._records.remove(app_id)
        await self.running.remove(app_id)
        self._shelves.purge(app_id)
        await self.left(app_id)
        cleared = await self.produce.clear(clear) if self.produce is not None and clear else {}
        return {
            "app": app_id,
            "version": found.version,
            "at": to_iso(at),
            "versions": versions,
            "events": gone,
            "cleared": cleared,
            "exported": {
                "file": export.path.name,
                "sha256": export.sha256,
                "files": export.files,
                "bytes": export.bytes,
            }
            if export is not None
            else None,
        }

    def rating(self, app: Installed) -> Rating:
        """How much it asks of trust, at the sandbox that it gets here."""
        return rate(app.manifest, self.running.level, app.verified)

    async def find(self, app_id: str) -> Installed:
        """Raises NotFound."""
        found = await self._records.find(app_id)
        if found is None:
            raise NotFound(f"no app {app_id}")
        return found

    async def versions(self, app_id: str) -> list[Version]:
        """Those that are kept, the last used first."""
        return await self._records.versions(app_id)

    async def installed(self) -> list[Installed]:
        """All, by id."""
        return await self._records.every()

    async def manifest(self, app_id: str) -> Manifest:
        """What an installed app declared. Raises NotFound."""
        return (await self.find(app_id)).manifest

    async def manifests(self) -> list[Manifest]:
        """Those of all installed apps, by id."""
        return [one.manifest for one in await self._records.every()]

    async def _use(self, found: Installed, version: Version, grants: Sequence[Scope]) -> None:
        await self._records.use(found.id, version, grants, self._clock.now())
        self._claims = {}
        for old in await self._records.surplus(found.id):
            await self._forget_version(found.id, old)
        if found.wanted:
            await self.enable(found.id)

    async def _waiting(self, found: Installed) -> Version:
        if found.waiting is None:
            raise NotFound(f"no update of {found.id} waits")
        return await self._records.version(found.id, found.waiting)

    async def _not_there(self, wanted: str | None, manifest: Manifest) -> None:
        if wanted not in (None, manifest.id):
            raise BadRequest(f"this is a package of {manifest.id}, not of {wanted}")
        await self.find(manifest.id)
        if any(one.version == manifest.version for one in await self._records.versions(manifest.id)):
            raise Conflict(f"{manifest.id} {manifest.version} is there already")

    async def _forget_version(self, app_id: str, version: str) -> None:
        await self._records.forget_version(app_id, version)
        self._shelves.drop(app_id, version)

    def _above_floor(self, manifest: Manifest, verified: bool) -> None:
        if not verified and level_for(manifest.entry, self.running.level) < self._floor:
            raise Forbidden(
                f"apps of unknown publishers need a sandbox of level {self._floor}, this machine has {self.running.level}",
                reason="below_floor",
            )


async def _nobody(app_id: str) -> None:
    return None
