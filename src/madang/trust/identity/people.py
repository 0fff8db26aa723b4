"""Accounts of people in PostgreSQL. An id is never given again: the row of an ended account stays, without what was personal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import asyncpg

from madang.base.clock import Clock
from madang.base.errors import BadRequest, Conflict, NotFound
from madang.base.limits import INVITATION_LIFETIME_S, RECOVERY_CODES
from madang.trust.identity.endings import tell_ended
from madang.trust.identity.person import Person
from madang.trust.identity.secrets import hashed, new_id, new_secret

_COLUMNS = "id, login, name, email, roles, department, tenant, password, totp, totp_step, created_at, ended_at"
_ADMINISTERS = "ended_at IS NULL AND tenant = '' AND 'administrator' = ANY (roles)"  # the city, not a tenant of it
_WIPED = ("passkey", "recovery_code", "invitation", "identity_link", "oauth_consent")


def person_of(row: Any) -> Person:
    return Person(**{**dict(row), "roles": frozenset(row["roles"])})


class People:
    """The register of people."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self.pool, self._clock = pool, clock

    async def find(self, person_id: str) -> Person:
        """Raises NotFound, also for one that has ended."""
        row = await self.pool.fetchrow(f"SELECT {_COLUMNS} FROM person WHERE id = $1 AND ended_at IS NULL", person_id)
        if row is None:
            raise NotFound("no such person")
        return person_of(row)

    async def by_login(self, login: str) -> Person | None:
        row = await self.pool.fetchrow(f"SELECT {_COLUMNS} FROM person WHERE login = $1", login)
        return None if row is None else person_of(row)

    async def every(self) -> list[Person]:
        """Those that have not ended, by login."""
        sql = f"SELECT {_COLUMNS} FROM person WHERE ended_at IS NULL ORDER BY login"
        return [person_of(row) for row in await self.pool.fetch(sql)]

    async def has_administrator(self) -> bool:
        sql = f"SELECT EXISTS (SELECT 1 FROM person WHERE {_ADMINISTERS})"
        return bool(await self.pool.fetchval(sql))

    async def add(
        self, login: str, name: str, email: str | None, roles: Iterable[str], department: str = "", tenant: str = ""
    ) -> Person:
        """Raises Conflict when the login is taken."""
        sql = (
            "INSERT INTO person (id, login, name, email, roles, department, tenant, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
            f" ON CONFLICT (login) DO NOTHING RETURNING {_COLUMNS}"
        )
        row = await self.pool.fetchrow(
            sql, new_id(), login, name, email, sorted(roles), department, tenant, self._clock.now()
        )
        if row is None:
            raise Conflict("this login is taken", reason="login_taken")
        return person_of(row)

    async def change(
        self, person_id: str, name: str, email: str | None, roles: Iterable[str], department: str, tenant: str = ""
    ) -> None:
        """What is remembered of the person is forgotten everywhere. Raises NotFound, BadRequest for the last administrator."""
        async with self.pool.acquire() as connection, connection.transaction():
            await _one_at_a_time(connection)
            await _keep_one_administrator(connection, person_id, "administrator" in roles and not tenant)
            done = await connection.execute(
                "UPDATE person SET name = $2, email = $3, roles = $4, department = $5, tenant = $6"
                " WHERE id = $1 AND ended_at IS NULL",
                person_id, name, email, sorted(roles), department, tenant,
            )  # fmt: skip
            if done == "UPDATE 0":
                raise NotFound("no such person")
            await tell_ended(connection, f"person:{person_id}")

    async def end(self, person_id: str) -> None:
        """The account, its sessions and all that was granted. Raises NotFound, BadRequest for the last administrator."""
        async with self.pool.acquire() as connection, connection.transaction():
            await _one_at_a_time(connection)
            await _keep_one_administrator(connection, person_id, False)
            done = await connection.execute(
                "UPDATE person SET login = NULL, name = '', email = NULL, roles = '{}', department = '', tenant = '', password = NULL,"
                " totp = NULL, ended_at = $2 WHERE id = $1 AND ended_at IS NULL",
                person_id, self._clock.now(),
            )  # fmt: skip
            if done == "UPDATE 0":
                raise NotFound("no such person")
            for table in _WIPED:
                await connection.execute(f"DELETE FROM {table} WHERE person = $1", person_id)
            await end_all(connection, person_id, self._clock)

    async def set_password(self, person_id: str, password: str | None) -> None:
        """`password` in PHC form; None for none."""
        await self.pool.execute("UPDATE person SET password = $2 WHERE id = $1", person_id, password)

    async def set_totp(self, person_id: str, totp: bytes | None, step: int) -> None:
        """`totp` sealed; `step` that of the code that proved it."""
        await self.pool.execute("UPDATE person SET totp = $2, totp_step = $3 WHERE id = $1", person_id, totp, step)

    async def forget_second_factors(self, person_id: str) -> None:
        """Of whoever lost them, or may have: passkeys, too."""
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute("UPDATE person SET totp = NULL WHERE id = $1", person_id)
            await connection.execute("DELETE FROM recovery_code WHERE person = $1", person_id)
            await connection.execute("DELETE FROM passkey WHERE person = $1", person_id)

    async def take_step(self, person_id: str, step: int) -> bool:
        """Whether this code was not used before, in whatever process: it is now."""
        sql = "UPDATE person SET totp_step = $2 WHERE id = $1 AND totp_step < $2 RETURNING 1"
        return await self.pool.fetchval(sql, person_id, step) is not None

    async def new_recovery_codes(self, person_id: str) -> list[str]:
        """The only time they are seen: 80 bits each, in four groups. Those before count no longer."""
        codes = ["-".join(new_id()[start : start + 4] for start in (0, 4, 8, 12)) for _ in range(RECOVERY_CODES)]
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute("DELETE FROM recovery_code WHERE person = $1", person_id)
            await connection.executemany(
                "INSERT INTO recovery_code (hash, person) VALUES ($1, $2)",
                [(hashed(code), person_id) for code in codes],
            )
        return codes

    async def take_recovery_code(self, person_id: str, code: str) -> bool:
        """Whether it is one of theirs: it is used up."""
        sql = "DELETE FROM recovery_code WHERE person = $1 AND hash = $2 RETURNING 1"
        return await self.pool.fetchval(sql, person_id, hashed("".join(code.split()).lower())) is not None

    async def recovery_codes_left(self, person_id: str) -> int:
        return int(await self.pool.fetchval("SELECT count(*) FROM recovery_code WHERE person = $1", person_id))

    async def invite(self, person_id: str | None, roles: Iterable[str] = ()) -> str:
        """The token of a one-time link: for an account that is there, or for a new one with these roles."""
        token = new_secret()
        expires = self._clock.now() + timedelta(seconds=INVITATION_LIFETIME_S)
        sql = "INSERT INTO invitation (hash, person, roles, expires_at) VALUES ($1, $2, $3, $4)"
        await self.pool.execute(sql, hashed(token), person_id, sorted(roles), expires)
        return token

    async def invite_administrator(self) -> str:
        """The token of a one-time link for an administrator, from whoever holds the machine; links made so before open nothing."""
        sql = "DELETE FROM invitation WHERE person IS NULL AND roles = ARRAY['administrator']"
        await self.pool.execute(sql)
        return await self.invite(None, {"administrator"})

    async def invited(self, token: str) -> tuple[str | None, frozenset[str]]:
        """Whom a link is for: person and roles. Raises NotFound for one that was used, has expired or never was."""
        sql = "SELECT person, roles FROM invitation WHERE hash = $1 AND expires_at > $2"
        return _invited(await self.pool.fetchrow(sql, hashed(token), self._clock.now()))

    async def take_invitation(self, token: str) -> tuple[str | None, frozenset[str]]:
        """The same, and it is used up. Raises NotFound."""
        sql = "DELETE FROM invitation WHERE hash = $1 AND expires_at > $2 RETURNING person, roles"
        return _invited(await self.pool.fetchrow(sql, hashed(token), self._clock.now()))


def _invited(row: Any) -> tuple[str | None, frozenset[str]]:
    if row is None:
        raise NotFound("this link was used, has expired, or never was", reason="link_gone")
    return row["person"], frozenset(row["roles"])


async def end_all(connection: Any, person_id: str, clock: Clock) -> None:
    """Every session and grant of a person, within a transaction."""
    now = clock.now()
    await connection.execute(
        "UPDATE sign_in_session SET ended_at = $2 WHERE person = $1 AND ended_at IS NULL", person_id, now
    )
    await connection.execute(
        "UPDATE oauth_grant SET ended_at = $2 WHERE person = $1 AND ended_at IS NULL", person_id, now
    )
    await tell_ended(connection, f"person:{person_id}")


async def _one_at_a_time(connection: Any) -> None:
    """Two administrators who take each other's role at the same moment must not both succeed."""
    await connection.execute("LOCK TABLE person IN SHARE ROW EXCLUSIVE MODE")


async def _keep_one_administrator(connection: Any, person_id: str, stays: bool) -> None:
    others = await connection.fetchval(f"SELECT count(*) FROM person WHERE {_ADMINISTERS} AND id <> $1", person_id)
    was = await connection.fetchval(f"SELECT {_ADMINISTERS} FROM person WHERE id = $1", person_id)
    if was and not stays and not others:
        raise BadRequest("the last administrator stays", reason="last_administrator")
