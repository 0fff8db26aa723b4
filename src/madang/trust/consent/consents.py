"""What people agreed to, as it is kept; an app's right ends with the commit of a withdrawal."""

from __future__ import annotations

import secrets
from typing import Any

import asyncpg

from madang.base.clock import Clock
from madang.base.errors import Conflict, NotFound
from madang.trust.consent.agreement import Ask, Consent, narrower, within
from madang.trust.consent.pseudonyms import Pseudonyms

COLUMNS = "id, person, app, pseudonym, kind, members, purpose, retention_days, granted_at, withdrawn_at"
# What an app was shown, and has not been asked to erase yet, is asked for once.
ERASE = """
INSERT INTO erasure (id, person, consent, app, pseudonym, kind, purpose, up_to, why, asked_at)
SELECT $1 || '-' || c.id, CASE WHEN $4::bool THEN NULL ELSE c.person END, c.id, c.app, c.pseudonym, c.kind, c.purpose, $2, $3, $2
FROM consent AS c WHERE c.id = ANY($5::text[]) AND EXISTS (SELECT 1 FROM personal_read AS r WHERE r.consent = c.id)
"""


class Consents:
    """The consents of all people of one city."""

    def __init__(self, pool: asyncpg.Pool, pseudonyms: Pseudonyms, clock: Clock) -> None:
        self._pool, self._pseudonyms, self._clock = pool, pseudonyms, clock

    async def of_person(self, person: str) -> list[Consent]:
        """Also those that were withdrawn; the newest first."""
        records = await self._pool.fetch(
            f"SELECT {COLUMNS} FROM consent WHERE person = $1 ORDER BY granted_at DESC, id",  # noqa: S608
            person,
        )
        return [consent_of(record) for record in records]

    async def get(self, person: str, consent_id: str) -> Consent:
        """Raises NotFound, also for another's."""
        for consent in await self.of_person(person):
            if consent.id == consent_id:
                return consent
        raise NotFound(f"no consent {consent_id}")

    async def grant(self, person: str, app: str, ask: Ask) -> Consent:
        """Agrees to what is said. Raises Conflict when that was agreed to already."""
        given = Consent(secrets.token_hex(12), person, app, self._pseudonyms.of(person, app), ask, self._clock.now())
        try:
            await self._pool.execute(
                f"INSERT INTO consent ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL)",  # noqa: S608
                given.id,
                person,
                app,
                given.pseudonym,
                ask.kind,
                members_out(ask),
                ask.purpose,
                ask.retention_days,
                given.granted_at,
            )
        except asyncpg.UniqueViolationError:
            raise Conflict(f"{app} has your consent to that already: narrow or withdraw it") from None
        return given

    async def narrow(self, person: str, consent_id: str, members: Any, retention_days: int | None) -> Consent:
        """To less of it; the app is asked to erase what it was shown. Raises NotFound, Conflict, BadRequest for more."""
        consent = await self.get(person, consent_id)
        if consent.withdrawn_at is not None:
            raise Conflict("the consent was withdrawn")
        ask = within(consent.ask, members, retention_days)
        async with self._pool.acquire() as connection, connection.transaction():
            done = await connection.execute(
                "UPDATE consent SET members = $2, retention_days = $3 WHERE id = $1 AND withdrawn_at IS NULL",
                consent_id,
                members_out(ask),
                ask.retention_days,
            )
            if done == "UPDATE 0":
                raise Conflict("the consent was withdrawn")
            if narrower(consent.ask, ask):
                await self._erase(connection, "narrowed", [consent_id])
        return await self.get(person, consent_id)

    async def withdraw(self, person: str, consent_id: str) -> Consent:
        """Ends it at once; the app is asked to erase what it was shown. A second time is the same. Raises NotFound."""
        consent = await self.get(person, consent_id)
        async with self._pool.acquire() as connection, connection.transaction():
            done = await connection.execute(
                "UPDATE consent SET withdrawn_at = $2 WHERE id = $1 AND withdrawn_at IS NULL",
                consent.id,
                self._clock.now(),
            )
            if done == "UPDATE 1":
                await self._erase(connection, "withdrawn", [consent.id])
        return await self.get(person, consent_id)

    async def end_of_app(self, app: str) -> int:
        """Withdraws what everybody agreed to for an app. Gives how many consents that were."""
        async with self._pool.acquire() as connection, connection.transaction():
            ended = await connection.fetch(
                "UPDATE consent SET withdrawn_at = $2 WHERE app = $1 AND withdrawn_at IS NULL RETURNING id",
                app,
                self._clock.now(),
            )
            await self._erase(connection, "removed", [one["id"] for one in ended])
        return len(ended)

    async def left_behind(self) -> list[str]:
        """People whose account has ended and of whom something is kept still."""
        sql = (
            "SELECT id FROM person WHERE ended_at IS NOT NULL AND (EXISTS (SELECT 1 FROM personal_item AS i WHERE i.person = person.id)"
            " OR EXISTS (SELECT 1 FROM consent AS c WHERE c.person = person.id)) ORDER BY id"
        )
        return [one["id"] for one in await self._pool.fetch(sql)]

    async def forget(self, person: str) -> int:
        """Deletes everything that is known of a person here; the apps are asked to erase what they were shown, by their
        pseudonyms. Gives how many are."""
        async with self._pool.acquire() as connection, connection.transaction():
            # Until this commits no app reads on: what it reads meanwhile it is asked to erase.
            ids = [
                one["id"]
                for one in await connection.fetch("SELECT id FROM consent WHERE person = $1 FOR UPDATE", person)
            ]
            asked = await self._erase(connection, "deleted", ids)
            await connection.execute("UPDATE erasure SET person = NULL WHERE person = $1", person)
            for table in ("personal_item", "personal_read", "consent"):
                await connection.execute(f"DELETE FROM {table} WHERE person = $1", person)  # noqa: S608 - constant names
        return asked

    async def _erase(self, connection: asyncpg.Connection, why: str, ids: list[str]) -> int:
        done = await connection.execute(ERASE, secrets.token_hex(8), self._clock.now(), why, why == "deleted", ids)
        return int(done.rsplit(" ", 1)[1])


def consent_of(record: asyncpg.Record) -> Consent:
    members = frozenset(record["members"]) if record["members"] is not None else None
    return Consent(
        record["id"],
        record["person"],
        record["app"],
        record["pseudonym"],
        Ask(record["kind"], record["purpose"], members, record["retention_days"]),
        record["granted_at"],
        record["withdrawn_at"],
    )


def members_out(ask: Ask) -> list[str] | None:
    return sorted(ask.members) if ask.members is not None else None
