"""Reviews: one of each live install, with replies, reports and moderation. Rows of `store_review`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from madang.base.clock import Clock
from madang.base.errors import BadRequest, Forbidden, NotFound
from madang.base.limits import STORE_LISTED_MAX, STORE_TEXT_MAX_CHARS
from madang.store.ratings.weigh import Shown, Vote, shown

_USED = "(SELECT count(*) FROM store_use u WHERE u.install = r.install) AS days_used"
_COLUMNS = f"""r.install AS id, r.app, r.version, r.stars, r.text, r.written_at, r.reply, r.replied_at, r.hidden_by, r.hidden_why,
  i.customer, i.installed_at, {_USED},
  (SELECT count(*) FROM store_report p WHERE p.install = r.install AND p.settled_at IS NULL) AS reports"""


@dataclass(frozen=True)
class Review:
    """`id` is that of the install it comes from; `version` the one it was written of. Hidden ones count nothing and show no text."""

    id: str
    app: str
    version: str
    stars: int
    text: str
    written_at: datetime
    reply: str
    replied_at: datetime | None
    hidden_by: str
    hidden_why: str
    customer: str
    installed_at: datetime
    days_used: int
    reports: int


class Reviews:
    """Who wrote one stays with the store: others see what kind of customer it is."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock

    async def write(self, app: str, customer: str, stars: int, text: str) -> None:
        """In place of what the same install said before. Raises Forbidden without a live install, BadRequest."""
        if not 1 <= stars <= 5:
            raise BadRequest("one to five stars", reason="review_stars")
        row = await self._pool.fetchrow(
            "SELECT id, version FROM store_install WHERE app = $1 AND customer = $2 AND removed_at IS NULL",
            app,
            customer,
        )
        if row is None:
            raise Forbidden("only who has an app says what it is like", reason="review_none")
        await self._pool.execute(
            "INSERT INTO store_review (install, app, version, stars, text, written_at) VALUES ($1, $2, $3, $4, $5, $6)"
            " ON CONFLICT (install) DO UPDATE SET version = $3, stars = $4, text = $5, written_at = $6, reply = '', replied_at = NULL"
            " WHERE store_review.hidden_by = ''",
            row["id"], app, row["version"], stars, _text(text, least=0), self._clock.now(),
        )  # fmt: skip

    async def of_app(self, app: str) -> list[Review]:
        """Of installs that live still, the latest first; hidden ones too."""
        return await self._list("r.app = $1 AND i.removed_at IS NULL", app)

    async def reported(self) -> list[Review]:
        """Of which somebody complained, and nobody has looked."""
        return await self._list(
            "EXISTS (SELECT FROM store_report p WHERE p.install = r.install AND p.settled_at IS NULL)"
        )

    async def get(self, identifier: str) -> Review:
        """Raises NotFound."""
        found = await self._list("r.install = $1", identifier)
        if not found:
            raise NotFound("no such review")
        return found[0]

    async def shown(self, apps: list[str]) -> dict[str, Shown]:
        """The stars of each of these apps."""
        rows = await self._pool.fetch(
            f"SELECT r.app, r.stars, i.installed_at, {_USED} FROM store_review r JOIN store_install i ON i.id = r.install"
            " WHERE r.app = ANY($1) AND i.removed_at IS NULL AND r.hidden_by = ''",
            apps,
        )
        votes: dict[str, list[Vote]] = {app: [] for app in apps}
        for row in rows:
            votes[row["app"]].append(Vote(row["stars"], row["days_used"], row["installed_at"]))
        return {app: shown(those) for app, those in votes.items()}

    async def reply(self, identifier: str, text: str) -> None:
        """The publisher's. Raises BadRequest."""
        await self._pool.execute(
            "UPDATE store_review SET reply = $2, replied_at = $3 WHERE install = $1",
            identifier,
            _text(text),
            self._clock.now(),
        )

    async def report(self, identifier: str, reporter: str, reason: str) -> None:
        """To the moderators, once of each. Raises NotFound, BadRequest."""
        await self.get(identifier)
        await self._pool.execute(
            "INSERT INTO store_report (install, reporter, reason, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            identifier, reporter, _text(reason), self._clock.now(),
        )  # fmt: skip

    async def reasons(self, identifier: str) -> list[str]:
        """What those who reported it said."""
        rows = await self._pool.fetch("SELECT reason FROM store_report WHERE install = $1 ORDER BY at", identifier)
        return [row["reason"] for row in rows]

    async def moderate(self, identifier: str, moderator: str, hide: bool, why: str) -> None:
        """Hidden or shown again; what was reported is settled. Raises BadRequest without a reason, NotFound."""
        why = _text(why)
        async with self._pool.acquire() as connection, connection.transaction():
            done = await connection.execute(
                "UPDATE store_review SET hidden_by = $2, hidden_why = $3 WHERE install = $1",
                identifier, moderator if hide else "", why if hide else "",
            )  # fmt: skip
            if done == "UPDATE 0":
                raise NotFound("no such review")
            query = "UPDATE store_report SET settled_at = $2 WHERE install = $1 AND settled_at IS NULL"
            await connection.execute(query, identifier, self._clock.now())

    async def _list(self, which: str, *values: Any) -> list[Review]:
        rows = await self._pool.fetch(
            f"SELECT {_COLUMNS} FROM store_review r JOIN store_install i ON i.id = r.install WHERE {which}"
            f" ORDER BY r.written_at DESC, r.install LIMIT {STORE_LISTED_MAX}",
            *values,
        )
        return [Review(**dict(row)) for row in rows]


def _text(text: str, least: int = 1) -> str:
    if not least <= len(text.strip()) <= STORE_TEXT_MAX_CHARS:
        raise BadRequest(f"words, at most {STORE_TEXT_MAX_CHARS} characters", reason="words")
    return text.strip()
