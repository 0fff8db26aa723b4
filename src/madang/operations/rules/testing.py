"""A rule is tried on what was: how many alarms it would have raised in the last week, and when."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from madang.base.clock import to_iso
from madang.base.limits import RULE_ALARMS_SHOWN, RULE_TEST_DAYS, RULE_TEST_ENTITIES, RULE_TEST_ROWS
from madang.operations.rules.decide import Alarm, Heard, play
from madang.operations.rules.hearing import heard_of
from madang.operations.rules.rule import Rule, attributes_of

_ENTITIES = "SELECT id FROM entity WHERE type = $1 OR types @> ARRAY[$1::text] ORDER BY id LIMIT $2"
_ROWS = (
    "SELECT entity_id, at, op::text AS op, change FROM history WHERE entity_id = ANY($1) AND at >= $2 AND op <> 't'"
    " ORDER BY seq LIMIT $3"
)
_POINTS = 300


@dataclass(frozen=True)
class Tried:
    """`whole`: whether all entities and all of the time were looked at; `since`: from when on there is history of them; `shown`: the
    entity with most alarms, `points` its values by attribute as (time, value)."""

    alarms: Sequence[Alarm]
    entities: int
    rows: int
    whole: bool
    since: datetime | None
    until: datetime
    shown: str
    points: Mapping[str, Sequence[tuple[datetime, float]]]

    def as_json(self) -> dict[str, Any]:
        return {
            "number": len(self.alarms),
            "entities": self.entities,
            "rows": self.rows,
            "whole": self.whole,
            "since": None if self.since is None else to_iso(self.since),
            "until": to_iso(self.until),
            "shown": self.shown,
            "points": {name: [(to_iso(at), value) for at, value in told] for name, told in self.points.items()},
            "alarms": [
                [one.entity, to_iso(one.began_at), None if one.ended_at is None else to_iso(one.ended_at)]
                for one in self.alarms[:RULE_ALARMS_SHOWN]
            ],
        }


async def try_rule(pool: asyncpg.Pool, rule: Rule, now: datetime) -> Tried:
    """Reads `RULE_TEST_DAYS` of at most `RULE_TEST_ENTITIES` entities, the first by id, in at most `RULE_TEST_ROWS` changes."""
    ids = [row["id"] for row in await pool.fetch(_ENTITIES, rule.type, RULE_TEST_ENTITIES + 1)]
    looked, since = ids[:RULE_TEST_ENTITIES], now - timedelta(days=RULE_TEST_DAYS)
    rows = await pool.fetch(_ROWS, looked, since, RULE_TEST_ROWS + 1)
    is_whole = len(ids) <= RULE_TEST_ENTITIES and len(rows) <= RULE_TEST_ROWS
    return await asyncio.to_thread(played, rule, rows[:RULE_TEST_ROWS], len(looked), is_whole, now)


def played(rule: Rule, rows: Sequence[Mapping[str, Any]], entities: int, is_whole: bool, now: datetime) -> Tried:
    """Pure, and slow: outside the event loop."""
    past: dict[str, list[Heard]] = defaultdict(list)
    for row in rows:
        past[row["entity_id"]].append(heard_of(rule, row["op"], row["change"] or {}, row["at"]))
    end = now if is_whole or not rows else rows[-1]["at"]
    alarms = play(rule, past, end)
    shown = _shown(alarms, past)
    told = past.get(shown, [])
    points = {
        name: _thin([(one.at, one.values[name]) for one in told if name in one.values])
        for name in sorted(attributes_of(rule))
    }
    return Tried(alarms, entities, len(rows), is_whole, rows[0]["at"] if rows else None, end, shown, points)


def _shown(alarms: Sequence[Alarm], past: Mapping[str, Sequence[Heard]]) -> str:
    counted: dict[str, int] = defaultdict(int)
    for one in alarms:
        counted[one.entity] += 1
    return max(counted, key=lambda one: (counted[one], one)) if counted else next(iter(past), "")


def _thin(points: list[tuple[datetime, float]]) -> list[tuple[datetime, float]]:
    """No more than a chart can show; of each stretch its lowest and its highest, so that no peak is lost."""
    step = max(1, -(-len(points) * 2 // _POINTS))
    if step == 1:
        return points
    stretches = [points[at : at + step] for at in range(0, len(points), step)]
    ends = [{min(one, key=lambda p: p[1]), max(one, key=lambda p: p[1])} for one in stretches]
    return [point for pair in ends for point in sorted(pair)]
