"""The city's incidents in PostgreSQL. Each act is one transaction with its line of the log (docs/decisions/0039)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import asyncpg

from madang.base.clock import Clock
from madang.base.errors import BadRequest, NotFound, TooMany
from madang.base.limits import INCIDENT_LOG_SHOWN, INCIDENT_TEXT_MAX_CHARS, INCIDENTS_LISTED_MAX, INCIDENTS_OPEN_MAX
from madang.operations.incidents import decide
from madang.operations.incidents.incident import Change, Entry, Incident, Report, Severity
from madang.operations.incidents.procedures import Procedures, procedure_of
from madang.operations.incidents.rows import COLUMNS, ENTRY, change, entry_of, incident_of, locked, note

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(7031001)"  # reports: two that come at once must see each other
Decide = Callable[[Incident], Change | None]


class Book:
    """`procedures` are those in force."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock, procedures: Procedures) -> None:
        self.pool, self.clock, self.procedures = pool, clock, procedures

    async def report(self, report: Report) -> Incident:
        """The incident that was opened, or that was told of again by the same reference. What is the same as another is opened and
        merged into it at once, so that this can be undone. Raises TooMany."""
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(ONE_AT_A_TIME)
            return await self.take(connection, report)

    async def take(self, connection: asyncpg.Connection, report: Report) -> Incident:
        """Within the caller's transaction, which holds the lock of reports."""
        known = await self._unresolved(connection)
        again = next((one for one in known if _is_told_by(report, one)), None)
        if again is not None:
            told = Change({}, "told", report.text or report.title, {"severity": report.severity})
            await change(connection, again.id, told, report.source, self.clock.now())
            return (await locked(connection, again.id))[0]
        if len(known) >= INCIDENTS_OPEN_MAX:
            raise TooMany(f"{INCIDENTS_OPEN_MAX} incidents are open", wait_s=60)
        return await self._open(connection, report, known)

    async def _open(self, connection: asyncpg.Connection, report: Report, known: Sequence[Incident]) -> Incident:
        now, procedure = self.clock.now(), procedure_of(self.procedures, report.kind)
        same = decide.same_as(report, known, procedure, now)
        by = decide.due(procedure.limits[report.severity], now)
        opened = await connection.fetchval(
            "INSERT INTO incident (kind, severity, title, source, reference, place, state, opened_at, acknowledge_by, resolve_by)"
            " VALUES ($1, $2, $3, $4, $5, $6, 'open', $7, $8, $9) RETURNING id",
            procedure.kind, report.severity, report.title, report.source, report.reference, report.place, now, *by,
        )  # fmt: skip
        await note(connection, opened, Change({}, "opened", report.text), report.source, now)
        incident = (await locked(connection, opened))[0]
        if same is not None:
            await change(connection, opened, decide.merge(incident, same), "madang", now)
            incident = (await locked(connection, opened))[0]
        return incident

    async def _unresolved(self, connection: asyncpg.Connection) -> list[Incident]:
        sql = f"SELECT {COLUMNS} FROM incident WHERE state <> 'resolved' ORDER BY id"
        return [incident_of(row) for row in await connection.fetch(sql)]

    async def act(self, incident: int, by: str, decided: Decide) -> Incident:
        """What `decided` makes of the incident as it is now; None for nothing. Raises NotFound, and what it raises."""
        async with self.pool.acquire() as connection, connection.transaction():
            (found,) = await locked(connection, incident)
            told = decided(found)
            if told is not None:
                await change(connection, incident, told, by, self.clock.now())
            return (await locked(connection, incident))[0]

    async def grade(self, incident: int, by: str, severity: Severity) -> Incident:
        """Another severity, with its limits. Raises NotFound, Conflict."""
        return await self.act(
            incident, by, lambda one: decide.grade(one, severity, procedure_of(self.procedures, one.kind))
        )

    async def resolve(self, incident: int, by: str, text: str) -> Incident:
        """With all that is merged into it. Raises NotFound, Conflict, BadRequest."""
        now = self.clock.now()
        async with self.pool.acquire() as connection, connection.transaction():
            (found,) = await locked(connection, incident)
            done = {row["step"] for row in await connection.fetch(_STEPS, incident)}
            wanted = procedure_of(self.procedures, found.kind).step_ids
            told = decide.resolve(found, checked(text), [one for one in wanted if one not in done], now)
            await change(connection, incident, told, by, now)
            same = [row["id"] for row in await connection.fetch(_MERGED, incident)]
            for one in same:
                await change(connection, one, Change(told.columns, "resolved", told.text), by, now)
            return (await locked(connection, incident))[0]

    async def merge(self, incident: int, into: int, by: str) -> None:
        """What was merged into `incident` goes with it. Raises NotFound, Conflict."""
        async with self.pool.acquire() as connection, connection.transaction():
            if incident == into:
                raise BadRequest("an incident cannot be merged into itself", reason="incident_merged")
            one, other = await locked(connection, incident, into)
            told, now = decide.merge(one, other), self.clock.now()
            for row in await connection.fetch(_MERGED, incident):
                await change(connection, row["id"], told, by, now)
            await change(connection, incident, told, by, now)

    async def say(self, incident: int, by: str, text: str) -> None:
        """A line of the log that a person writes. Raises NotFound, BadRequest."""
        told = Change({}, "said", checked(text, needed=True))
        await self.act(incident, by, lambda one: told)

    async def step(self, incident: int, by: str, step: str, done: bool) -> None:
        """A step of the checklist is done, or is not after all. Raises NotFound, BadRequest."""
        async with self.pool.acquire() as connection, connection.transaction():
            (found,) = await locked(connection, incident)
            if step not in procedure_of(self.procedures, found.kind).step_ids:
                raise BadRequest("the checklist has no such step")
            now = self.clock.now()
            sql = _TICK if done else "DELETE FROM incident_step WHERE incident = $1 AND step = $2 RETURNING 1"
            if await connection.fetchval(sql, incident, step, *([by, now] if done else [])):
                told = Change({}, "step" if done else "step_undone", details={"step": step})
                await change(connection, incident, told, by, now)

    async def get(self, incident: int) -> Incident:
        """Raises NotFound."""
        row = await self.pool.fetchrow(f"SELECT {COLUMNS} FROM incident WHERE id = $1", incident)
        if row is None:
            raise NotFound("no such incident")
        return incident_of(row)

    async def unresolved(self) -> list[Incident]:
        """Those that are nobody else's, the most urgent first."""
        sql = (
            f"SELECT {COLUMNS} FROM incident WHERE state <> 'resolved' AND merged_into IS NULL ORDER BY"
            " array_position('{critical,high,medium,low}', severity), acknowledge_by, id LIMIT $1"
        )
        return [incident_of(row) for row in await self.pool.fetch(sql, INCIDENTS_LISTED_MAX)]

    async def latest(self, number: int = INCIDENTS_LISTED_MAX) -> list[Incident]:
        """Whatever became of them, newest first."""
        sql = f"SELECT {COLUMNS} FROM incident WHERE merged_into IS NULL ORDER BY opened_at DESC, id DESC LIMIT $1"
        return [incident_of(row) for row in await self.pool.fetch(sql, number)]

    async def of_source(self, source: str) -> list[Incident]:
        """What somebody told, newest first, the open ones before the others."""
        sql = f"SELECT {COLUMNS} FROM incident WHERE source = $1 ORDER BY state = 'resolved', id DESC LIMIT $2"
        return [incident_of(row) for row in await self.pool.fetch(sql, source, INCIDENTS_LISTED_MAX)]

    async def merged(self, incident: int) -> list[Incident]:
        """What is the same as this one."""
        sql = f"SELECT {COLUMNS} FROM incident WHERE merged_into = $1 ORDER BY id"
        return [incident_of(row) for row in await self.pool.fetch(sql, incident)]

    async def log(self, incident: int) -> list[Entry]:
        """Its lines and those of what is merged into it, oldest first; the latest `INCIDENT_LOG_SHOWN` of them."""
        sql = (
            f"SELECT * FROM (SELECT {ENTRY} FROM incident_entry WHERE incident = $1 OR incident IN"
            " (SELECT id FROM incident WHERE merged_into = $1) ORDER BY id DESC LIMIT $2) AS latest ORDER BY id"
        )
        return [entry_of(row) for row in await self.pool.fetch(sql, incident, INCIDENT_LOG_SHOWN)]

    async def steps(self, incident: int) -> dict[str, tuple[str, object]]:
        """Who did which step when."""
        return {row["step"]: (row["who"], row["at"]) for row in await self.pool.fetch(_STEPS, incident)}


_STEPS = "SELECT step, who, at FROM incident_step WHERE incident = $1"
_MERGED = "SELECT id FROM incident WHERE merged_into = $1 AND state <> 'resolved' ORDER BY id FOR UPDATE"
_TICK = "INSERT INTO incident_step (incident, step, who, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING 1"


def _is_told_by(report: Report, one: Incident) -> bool:
    return report.reference != "" and (one.source, one.reference) == (report.source, report.reference)


def checked(text: str, needed: bool = False) -> str:
    """Raises BadRequest."""
    text = text.strip()
    if len(text) > INCIDENT_TEXT_MAX_CHARS or (needed and not text):
        raise BadRequest(f"a text has 1 to {INCIDENT_TEXT_MAX_CHARS} characters", reason="incident_text")
    return text
