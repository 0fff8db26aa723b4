"""Armed rules, followed by what happens: read from history as the outbox that it is, by a cursor that moves with the alarms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from madang.base.clock import from_iso
from madang.base.ids import local_part
from madang.base.limits import INCIDENT_TITLE_MAX_CHARS, RULE_ENTITIES_MAX, RULE_REPLAY_MAX_S
from madang.history.outbox import Outbox
from madang.operations.incidents.book import ONE_AT_A_TIME, Book
from madang.operations.incidents.incident import Change, Place, Report
from madang.operations.incidents.rows import change
from madang.operations.rules.book import Kept, Rules
from madang.operations.rules.decide import Event, Track, hear, until
from madang.operations.rules.hearing import heard_of, known_of, place_of
from madang.operations.rules.rule import window_of

_SEQ = "SELECT coalesce(min(seq) - 1, (SELECT coalesce(max(seq), 0) FROM history)) FROM history WHERE at >= $1"
_KNOWN = "SELECT id, body, modified_at FROM entity WHERE type = $1 OR types @> ARRAY[$1::text] ORDER BY id LIMIT $2"
_ON = "SELECT entity, began_at FROM rule_alarm WHERE rule = $1 AND version = $2 AND ended_at IS NULL"
_BEGIN = "INSERT INTO rule_alarm (rule, version, entity, began_at, incident) VALUES ($1, $2, $3, $4, $5)"
_KNOWN_ALARM = "SELECT 1 FROM rule_alarm WHERE rule = $1 AND entity = $2 AND (ended_at IS NULL OR began_at >= $3)"
_END = "UPDATE rule_alarm SET ended_at = $3 WHERE rule = $1 AND entity = $2 AND ended_at IS NULL AND began_at <= $3 RETURNING incident"
_STOPPED = (
    "SELECT rule_alarm.rule, entity FROM rule_alarm JOIN rule ON rule.id = rule_alarm.rule WHERE ended_at IS NULL"
    " AND (state <> 'armed' OR rule_alarm.version <> rule.version)"
)


class Following:
    """One armed rule with what it remembers of each entity, and the place up to which it has read."""

    def __init__(self, kept: Kept, place: int) -> None:
        self.kept, self.place = kept, place
        self.tracks: dict[str, Track] = {}
        self.full = False

    def track(self, entity: str) -> Track | None:
        """None for one too many."""
        found = self.tracks.get(entity)
        if found is None and len(self.tracks) >= RULE_ENTITIES_MAX:
            self.full = True
            return None
        return found or Track()


class RuleWatch:
    """Looks once a second. An alarm and its incident are one transaction. After a death the past is read again: what happened before
    the latest alarm of an entity began does nothing."""

    def __init__(self, rules: Rules, incidents: Book) -> None:
        self._rules, self._incidents = rules, incidents
        self._outbox, self._following = Outbox(rules.pool, rules.clock), dict[int, Following]()

    async def once(self) -> bool:
        """Whether there may be more to read."""
        await self._keep_up()
        more = [await self._read(one) for one in self._following.values()]
        return any(more)

    async def _keep_up(self) -> None:
        armed = {one.id: one for one in await self._rules.armed()}
        for identifier in [
            one for one, known in self._following.items() if known.kept.version != _version(armed.get(one))
        ]:
            del self._following[identifier]
        for identifier in armed.keys() - self._following.keys():
            self._following[identifier] = await self._begin(armed[identifier])
        for row in await self._rules.pool.fetch(_STOPPED):
            await self._end(row["rule"], row["entity"], self._rules.clock.now())

    async def _begin(self, kept: Kept) -> Following:
        """As far back as its conditions look, an hour at most; before that stands what did not change since."""
        back_s = min(window_of(kept.rule), RULE_REPLAY_MAX_S)
        start = self._rules.clock.now() - timedelta(seconds=back_s)
        following = Following(kept, await self._rules.pool.fetchval(_SEQ, start))
        on = {row["entity"]: row["began_at"] for row in await self._rules.pool.fetch(_ON, kept.id, kept.version)}
        for row in await self._rules.pool.fetch(_KNOWN, kept.rule.type, RULE_ENTITIES_MAX):
            known = known_of(kept.rule, row["body"], min(row["modified_at"], start), start, on.get(row["id"]))
            track, events = until(kept.rule, known, start)
            await self._tell(following, row["id"], track, events)
        return following

    async def _read(self, following: Following) -> bool:
        rule = following.kept.rule
        portion = await self._outbox.after(following.place, [rule.type])
        for one in portion.changes:
            track = following.track(one.id)
            if track is not None:
                heard = heard_of(rule, one.op, one.change or {}, from_iso(one.at))
                track, events = hear(rule, track, heard)
                await self._tell(following, one.id, track, events)
                if heard.gone:
                    following.tracks.pop(one.id, None)
        following.place = portion.upto
        if portion.last:
            await self._tick(following)
        return not portion.last

    async def _tick(self, following: Following) -> None:
        now = self._rules.clock.now()
        for entity, known in list(following.tracks.items()):
            track, events = until(following.kept.rule, known, now)
            await self._tell(following, entity, track, events)

    async def _tell(self, following: Following, entity: str, track: Track, events: list[Event]) -> None:
        """The alarm is in the database before it is remembered."""
        for event in events:
            if event.began:
                await self._raise(following.kept, entity, event.at, track.place)
            else:
                await self._end(following.kept.id, entity, event.at)
        following.tracks[entity] = track

    async def _raise(self, kept: Kept, entity: str, at: datetime, place: Place | None) -> None:
        rule = kept.rule
        title = f"{rule.name}: {local_part(entity)}"[:INCIDENT_TITLE_MAX_CHARS]
        where = place or await self._place(entity)
        report = Report(rule.kind, rule.severity, title, f"rule:{kept.id}", where, "", entity)
        async with self._rules.pool.acquire() as connection, connection.transaction():
            await connection.execute(ONE_AT_A_TIME)
            if await connection.fetchval(_KNOWN_ALARM, kept.id, entity, at) is None:
                made = await self._incidents.take(connection, report)
                await connection.execute(_BEGIN, kept.id, kept.version, entity, at, made.id)

    async def _end(self, rule: int, entity: str, at: datetime) -> None:
        """The incident stays until a person ends it."""
        async with self._rules.pool.acquire() as connection, connection.transaction():
            incident = await connection.fetchval(_END, rule, entity, at)
            if incident is not None:
                await change(connection, incident, Change({}, "source_over"), f"rule:{rule}", self._rules.clock.now())

    async def _place(self, entity: str) -> Place | None:
        body: Mapping[str, Any] | None = await self._rules.pool.fetchval(
            "SELECT body FROM entity WHERE id = $1", entity
        )
        return place_of((body or {}).get("location"))


def _version(kept: Kept | None) -> int:
    return 0 if kept is None else kept.version
