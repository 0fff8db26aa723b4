"""What an after-action report is made of: the incident, its log, and what each command around it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from madang.base.limits import INCIDENT_COMMANDS_TOLD
from madang.operations.incidents.book import Book
from madang.operations.incidents.incident import Entry, Incident

_COMMANDS = (
    "SELECT at, who, kind, target, rank, status, receipt FROM command WHERE at BETWEEN $1 AND $2 AND target = ANY($3)"
    " AND rank <> 'efficiency' ORDER BY at LIMIT $4"
)
_COUNTED = (
    "SELECT who, kind, status, count(*) AS number FROM command WHERE at BETWEEN $1 AND $2 AND target = ANY($3)"
    " AND rank = 'efficiency' GROUP BY who, kind, status ORDER BY who, kind, status"
)


@dataclass(frozen=True)
class Command:
    """`why`: what was asked for, `outcome`: why it ended so; both are texts or codes of an app."""

    at: datetime
    who: str
    kind: str
    target: str
    rank: str
    status: str
    why: str
    outcome: str


@dataclass(frozen=True)
class Account:
    """`routine`: commands of the rank efficiency, which are many, counted by (who, kind, status)."""

    incident: Incident
    merged: Sequence[Incident]
    log: Sequence[Entry]
    steps: Mapping[str, tuple[str, Any]]
    commands: Sequence[Command]
    routine: Sequence[tuple[str, str, str, int]]
    made_at: datetime

    @property
    def times_s(self) -> Mapping[str, float]:
        """Seconds from opening to `acknowledged` and `resolved`, of those that happened."""
        told = {"acknowledged": self.incident.acknowledged_at, "resolved": self.incident.resolved_at}
        return {name: (at - self.incident.opened_at).total_seconds() for name, at in told.items() if at is not None}


async def account_of(book: Book, incident: Incident, targets: Sequence[str]) -> Account:
    """`targets`: ids of the entities around it, whose commands count."""
    end = incident.resolved_at or book.clock.now()
    asked = (incident.opened_at, end, list(targets))
    commands = [command_of(row) for row in await book.pool.fetch(_COMMANDS, *asked, INCIDENT_COMMANDS_TOLD)]
    counted = await book.pool.fetch(_COUNTED, *asked)
    return Account(
        incident,
        await book.merged(incident.id),
        await book.log(incident.id),
        await book.steps(incident.id),
        commands,
        [(row["who"], row["kind"], row["status"], row["number"]) for row in counted],
        book.clock.now(),
    )


def command_of(row: asyncpg.Record) -> Command:
    told = row["receipt"]
    outcome = str(told.get("detail") or told.get("reason") or "")
    names = ("at", "who", "kind", "target", "rank", "status")
    return Command(**{name: row[name] for name in names}, why=_said(told.get("why")), outcome=outcome)


def _said(why: Any) -> str:
    return str(why.get("code", "")) if isinstance(why, Mapping) else str(why or "")
