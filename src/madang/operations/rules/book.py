"""Rules in PostgreSQL: every version stays, and only one that was tested as it is can be armed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import asyncpg
import msgspec

from madang.base.clock import Clock
from madang.base.errors import Conflict, NotFound, TooMany
from madang.base.limits import RULE_ALARMS_SHOWN, RULES_MAX
from madang.operations.rules.rule import Rule, read_rule

State = Literal["draft", "armed", "retired"]
_COLUMNS = (
    "rule.id, rule.version, state, tested, test, armed_by, armed_at, body, made_by, made_at,"
    " (SELECT count(*) FROM rule_alarm WHERE rule = rule.id AND ended_at IS NULL) AS alarms"
)
_FROM = "rule JOIN rule_version ON rule_version.rule = rule.id AND rule_version.version = rule.version"


@dataclass(frozen=True)
class Kept:
    """A rule in its latest version. `test`: what the test of `tested` found; `alarms`: how many go on."""

    id: int
    version: int
    state: State
    tested: int
    test: Mapping[str, Any] | None
    armed_by: str
    armed_at: datetime | None
    rule: Rule
    made_by: str
    made_at: datetime
    alarms: int

    @property
    def is_tested(self) -> bool:
        return self.tested == self.version


@dataclass(frozen=True)
class Raised:
    """An alarm that a rule raised."""

    rule: int
    version: int
    entity: str
    began_at: datetime
    ended_at: datetime | None
    incident: int


def kept_of(row: Any) -> Kept:
    told = dict(row)
    return Kept(**{name: value for name, value in told.items() if name != "body"}, rule=read_rule(told["body"]))


class Rules:
    """`trying` is held while one is tried on the past, which takes seconds of processor: one at a time."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self.pool, self.clock, self.trying = pool, clock, asyncio.Lock()

    async def make(self, rule: Rule, by: str) -> int:
        """A draft. Raises TooMany."""
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE rule IN SHARE ROW EXCLUSIVE MODE")
            if await connection.fetchval("SELECT count(*) FROM rule WHERE state <> 'retired'") >= RULES_MAX:
                raise TooMany(f"a city has {RULES_MAX} rules at most", wait_s=3_600)
            made = await connection.fetchval("INSERT INTO rule (state) VALUES ('draft') RETURNING id")
            await self._version(connection, made, 1, rule, by)
            return int(made)

    async def change(self, identifier: int, rule: Rule, by: str) -> None:
        """Another version, a draft again: what goes on by the one before ends. Raises NotFound, Conflict."""
        async with self.pool.acquire() as connection, connection.transaction():
            kept = await self._locked(connection, identifier)
            sql = "UPDATE rule SET version = $2, state = 'draft', armed_by = '', armed_at = NULL WHERE id = $1"
            await connection.execute(sql, identifier, kept["version"] + 1)
            await self._version(connection, identifier, kept["version"] + 1, rule, by)

    async def tested(self, identifier: int, version: int, found: Mapping[str, Any]) -> None:
        """Keeps what the test of a version found. Raises NotFound, Conflict when there is a newer one."""
        sql = "UPDATE rule SET tested = $2, test = $3 WHERE id = $1 AND version = $2 RETURNING 1"
        if await self.pool.fetchval(sql, identifier, version, dict(found)) is None:
            raise Conflict("there is another version of this rule by now", reason="rule_changed")

    async def arm(self, identifier: int, version: int, by: str) -> None:
        """Raises NotFound, Conflict unless this version is the latest and was tested."""
        async with self.pool.acquire() as connection, connection.transaction():
            kept = await self._locked(connection, identifier)
            if (kept["version"], kept["tested"]) != (version, version):
                raise Conflict("only a version that was tested is armed", reason="rule_untested")
            sql = "UPDATE rule SET state = 'armed', armed_by = $2, armed_at = $3 WHERE id = $1"
            await connection.execute(sql, identifier, by, self.clock.now())

    async def disarm(self, identifier: int, state: State = "draft") -> None:
        """Raises NotFound, Conflict."""
        async with self.pool.acquire() as connection, connection.transaction():
            await self._locked(connection, identifier)
            sql = "UPDATE rule SET state = $2, armed_by = '', armed_at = NULL WHERE id = $1"
            await connection.execute(sql, identifier, state)

    async def get(self, identifier: int) -> Kept:
        """Raises NotFound."""
        row = await self.pool.fetchrow(f"SELECT {_COLUMNS} FROM {_FROM} WHERE rule.id = $1", identifier)
        if row is None:
            raise NotFound("no such rule")
        return kept_of(row)

    async def every(self) -> list[Kept]:
        """Those that are not retired."""
        sql = f"SELECT {_COLUMNS} FROM {_FROM} WHERE state <> 'retired' ORDER BY rule.id"
        return [kept_of(row) for row in await self.pool.fetch(sql)]

    async def armed(self) -> list[Kept]:
        return [one for one in await self.every() if one.state == "armed"]

    async def alarms(self, identifier: int) -> list[Raised]:
        """Newest first."""
        sql = (
            "SELECT rule, version, entity, began_at, ended_at, incident FROM rule_alarm WHERE rule = $1"
            " ORDER BY began_at DESC, id DESC LIMIT $2"
        )
        return [Raised(**dict(row)) for row in await self.pool.fetch(sql, identifier, RULE_ALARMS_SHOWN)]

    async def _locked(self, connection: asyncpg.Connection, identifier: int) -> asyncpg.Record:
        row = await connection.fetchrow("SELECT version, state, tested FROM rule WHERE id = $1 FOR UPDATE", identifier)
        if row is None:
            raise NotFound("no such rule")
        if row["state"] == "retired":
            raise Conflict("this rule is retired", reason="rule_retired")
        return row

    async def _version(
        self, connection: asyncpg.Connection, identifier: int, version: int, rule: Rule, by: str
    ) -> None:
        sql = "INSERT INTO rule_version (rule, version, body, made_by, made_at) VALUES ($1, $2, $3, $4, $5)"
        await connection.execute(sql, identifier, version, msgspec.to_builtins(rule), by, self.clock.now())
