"""Releases: handed in, checked, decided by a person, published, withdrawn. Rows of `store_release`."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from madang.base.clock import Clock
from madang.base.errors import BadRequest, Conflict, NotFound
from madang.base.limits import STORE_LISTED_MAX, STORE_WAITING_MAX
from madang.runtime.manifest import Manifest
from madang.store.review.checks import Checked
from madang.store.review.findings import Finding

OPEN = ("submitted", "checking", "waiting", "approved")
STATES = (*OPEN, "published", "rejected", "yanked")
_COLUMNS = (
    "id, app, version, publisher, sha256, manifest, role, state, submitted_by, submitted_at, checks, sbom, score, appeal,"
    " decided_by, decided_at, reason"
)


@dataclass(frozen=True)
class Release:
    """One version of one app. `checks`: the findings so far; `reason`: of the decision, or of the withdrawal."""

    id: str
    app: str
    version: str
    publisher: str
    sha256: str
    manifest: Manifest
    role: bytes
    state: str
    submitted_by: str
    submitted_at: datetime
    checks: list[Finding]
    sbom: dict[str, Any] | None
    score: dict[str, Any] | None
    appeal: str
    decided_by: str
    decided_at: datetime | None
    reason: str

    @property
    def path(self) -> str:
        """Among the targets."""
        return f"{self.publisher}/{self.app}-{self.version}.madang"


class Releases:
    """Reads and the steps from one state to the next; each step names the state it leaves, so that none is taken twice."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self.pool, self._clock = pool, clock

    async def add(self, manifest: Manifest, publisher: str, sha256: str, body: bytes, role: bytes, by: str) -> Release:
        """Raises Conflict for a version that is there, BadRequest when too many wait."""
        identifier = secrets.token_hex(8)
        async with self.pool.acquire() as connection, connection.transaction():
            waiting = await connection.fetchval(
                "SELECT count(*) FROM store_release WHERE publisher = $1 AND state = ANY($2)", publisher, OPEN
            )
            if waiting >= STORE_WAITING_MAX:
                raise BadRequest(f"{STORE_WAITING_MAX} releases wait already", reason="release_many")
            await connection.execute("INSERT INTO store_package VALUES ($1, $2) ON CONFLICT DO NOTHING", sha256, body)
            try:
                await connection.execute(
                    "INSERT INTO store_release (id, app, version, publisher, sha256, manifest, role, state, submitted_by,"
                    " submitted_at, checks) VALUES ($1, $2, $3, $4, $5, $6, $7, 'submitted', $8, $9, '[]')",
                    identifier, manifest.id, manifest.version, publisher, sha256, msgspec.to_builtins(manifest), role, by,
                    self._clock.now(),
                )  # fmt: skip
            except asyncpg.UniqueViolationError:
                raise Conflict(
                    f"{manifest.id} {manifest.version} was handed in before", reason="release_again"
                ) from None
        return await self.get(identifier)

    async def get(self, identifier: str) -> Release:
        """Raises NotFound."""
        found = await self._list("id = $1", identifier)
        if not found:
            raise NotFound("no such release")
        return found[0]

    async def body(self, sha256: str) -> bytes:
        """The package. Raises NotFound."""
        found = await self.pool.fetchval("SELECT body FROM store_package WHERE sha256 = $1", sha256)
        if found is None:
            raise NotFound("no such package")
        return bytes(found)

    async def of_publisher(self, publisher: str) -> list[Release]:
        """The latest first."""
        return await self._list("publisher = $1", publisher)

    async def of_app(self, app: str) -> list[Release]:
        """Those that were published, the latest first; withdrawn ones too."""
        return await self._list("app = $1 AND state IN ('published', 'yanked')", app)

    async def latest(self, app: str) -> Release | None:
        """The version that was published last and is not withdrawn."""
        found = [one for one in await self.of_app(app) if one.state == "published"]
        return max(found, key=lambda one: (one.decided_at or one.submitted_at, one.id), default=None)

    async def in_states(self, *states: str) -> list[Release]:
        """The latest first."""
        return await self._list("state = ANY($1)", list(states))

    async def known(self, publisher: str) -> dict[str, str]:
        """SHA-256 by target path of everything of a publisher that was not rejected."""
        return {one.path: one.sha256 for one in await self.of_publisher(publisher) if one.state != "rejected"}

    async def begin(self, identifier: str) -> None:
        """Checks are under way."""
        await self._step(identifier, ("submitted", "checking"), "checking")

    async def checked(self, identifier: str, checked: Checked, rejected: bool) -> None:
        """To the reviewers; or back, when a check found it bad."""
        await self.pool.execute(
            "UPDATE store_release SET checks = $2, sbom = $3, score = $4, state = $5, decided_by = $6, decided_at = $7,"
            " reason = $8 WHERE id = $1 AND state = 'checking'",
            identifier, msgspec.to_builtins(checked.findings), checked.sbom, checked.score,
            "rejected" if rejected else "waiting", "checks" if rejected else "", self._clock.now() if rejected else None,
            ", ".join(one.code for one in checked.findings if one.outcome == "bad"),
        )  # fmt: skip

    async def appeal(self, identifier: str, text: str) -> None:
        """Back to the reviewers, with what the publisher says to it. Raises Conflict."""
        try:
            await self._step(identifier, ("rejected",), "waiting", appeal=text)
        except asyncpg.UniqueViolationError:
            raise Conflict("this version was handed in again", reason="release_again") from None

    async def decide(
        self, connection: Any, identifier: str, before: tuple[str, ...], after: str, by: str, why: str
    ) -> None:
        """Raises Conflict when it is in none of the states `before`."""
        done = await connection.execute(
            "UPDATE store_release SET state = $3, decided_by = $4, decided_at = $5, reason = $6"
            " WHERE id = $1 AND state = ANY($2)",
            identifier, list(before), after, by, self._clock.now(), why,
        )  # fmt: skip
        if done == "UPDATE 0":
            raise Conflict("somebody else decided meanwhile", reason="release_decided")

    async def sign_again(self, identifier: str, role: bytes) -> None:
        """Another role for what is approved."""
        await self._step(identifier, ("approved",), "approved", role=role)

    async def _step(self, identifier: str, before: tuple[str, ...], after: str, **more: Any) -> None:
        sets = "".join(f", {name} = ${4 + index}" for index, name in enumerate(more))
        query = f"UPDATE store_release SET state = $3{sets} WHERE id = $1 AND state = ANY($2)"
        if await self.pool.execute(query, identifier, list(before), after, *more.values()) == "UPDATE 0":
            raise Conflict("it is not in the state for that any more", reason="release_decided")

    async def _list(self, which: str, value: Any) -> list[Release]:
        rows = await self.pool.fetch(
            f"SELECT {_COLUMNS} FROM store_release WHERE {which} ORDER BY submitted_at DESC, id LIMIT {STORE_LISTED_MAX}",
            value,
        )
        return [_release(row) for row in rows]


def _release(row: Any) -> Release:
    given = dict(row) | {
        "manifest": msgspec.convert(row["manifest"], Manifest),
        "checks": msgspec.convert(row["checks"], list[Finding]),
    }
    return Release(**given)
