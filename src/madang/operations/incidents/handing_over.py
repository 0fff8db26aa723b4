"""A change of shift: whoever goes writes down what is open, whoever comes accepts it and has it from then on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from madang.base.clock import to_iso
from madang.base.errors import BadRequest, Conflict, Forbidden, NotFound
from madang.operations.incidents.book import Book, checked
from madang.operations.incidents.incident import Change, Incident
from madang.operations.incidents.rows import change

_COLUMNS = "id, giver, receiver, text, incidents, made_at, accepted_at"
_LATEST = 20


@dataclass(frozen=True)
class HandOver:
    """`incidents`: each as `summary_of` told it when the giver wrote it down."""

    id: int
    giver: str
    receiver: str
    text: str
    incidents: list[Mapping[str, Any]]
    made_at: datetime
    accepted_at: datetime | None


def summary_of(incident: Incident) -> dict[str, Any]:
    """Pure."""
    return {
        "id": incident.id,
        "kind": incident.kind,
        "severity": incident.severity,
        "state": incident.state,
        "title": incident.title,
        "owner": incident.owner,
        "openedAt": to_iso(incident.opened_at),
        "resolveBy": to_iso(incident.resolve_by),
    }


class HandOvers:
    def __init__(self, book: Book) -> None:
        self._book = book

    async def write(self, giver: str, receiver: str, text: str) -> int:
        """All that is open goes into it. Raises BadRequest, Conflict while another of the giver's waits."""
        if giver == receiver:
            raise BadRequest("hand over to somebody else", reason="hand_over_self")
        told = [summary_of(one) for one in await self._book.unresolved()]
        sql = (
            "INSERT INTO hand_over (giver, receiver, text, incidents, made_at) SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS"
            " (SELECT 1 FROM hand_over WHERE giver = $1 AND accepted_at IS NULL) RETURNING id"
        )
        made = await self._book.pool.fetchval(sql, giver, receiver, checked(text), told, self._book.clock.now())
        if made is None:
            raise Conflict("your last hand-over was not accepted yet", reason="hand_over_waits")
        return int(made)

    async def withdraw(self, hand_over: int, giver: str) -> None:
        """Before it was accepted. Raises NotFound."""
        sql = "DELETE FROM hand_over WHERE id = $1 AND giver = $2 AND accepted_at IS NULL RETURNING 1"
        if await self._book.pool.fetchval(sql, hand_over, giver) is None:
            raise NotFound("no such hand-over waits")

    async def accept(self, hand_over: int, receiver: str) -> None:
        """What the giver has is the receiver's from now on, on record in each incident. Raises NotFound, Forbidden, Conflict."""
        async with self._book.pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM hand_over WHERE id = $1 FOR UPDATE", hand_over)
            found = HandOver(**dict(row)) if row is not None else None
            _check(found, receiver)
            now = self._book.clock.now()
            assert found is not None
            await connection.execute("UPDATE hand_over SET accepted_at = $2 WHERE id = $1", hand_over, now)
            told = Change({"owner": receiver}, "handed_over", found.text, {"from": found.giver, "hand_over": hand_over})
            for one in await connection.fetch(_OWNED, found.giver):
                await change(connection, one["id"], told, receiver, now)

    async def latest(self) -> list[HandOver]:
        """Newest first."""
        sql = f"SELECT {_COLUMNS} FROM hand_over ORDER BY id DESC LIMIT $1"
        return [HandOver(**dict(row)) for row in await self._book.pool.fetch(sql, _LATEST)]


_OWNED = (
    "SELECT id FROM incident WHERE owner = $1 AND state <> 'resolved' AND merged_into IS NULL ORDER BY id FOR UPDATE"
)


def _check(found: HandOver | None, receiver: str) -> None:
    if found is None:
        raise NotFound("no such hand-over")
    if found.receiver != receiver:
        raise Forbidden("this was handed to somebody else", reason="hand_over_other")
    if found.accepted_at is not None:
        raise Conflict("this was accepted already", reason="hand_over_done")
