"""A city of a test, in this process: nothing happens in it but what the test lets happen."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from madang.base.clock import from_iso, to_iso
from madang.sdk.app import App
from madang.sdk.city_time import CityTime
from madang.sdk.engines import Engine, Here
from madang.sdk.pages import PageRequest, Pages, Reply, Viewer
from madang.sdk.plan import Hear
from madang.sdk.running import next_time
from madang.sdk.store import Store
from madang.sdk.streams import Streams
from madang.sdk.testing.door import FakeDoor, FakeOutside, Granted, Json, granted_of
from madang.sdk.testing.recording import Recording
from madang.sdk.testing.where import compile_where

START = "2026-06-01T06:00:00Z"
NOBODY = Viewer()
ROUNDS_MAX = 1_000


class StandingTime(CityTime):
    """The city's time as the test set it."""

    def now(self, wall_s: float | None = None) -> datetime:
        return super().now(self.wall_s)


class FakeCity:
    """One app in one city. `folder`: the app's, whose manifest says what it may (None: everything); `data`: where what it keeps is
    kept from one FakeCity to the next (None: nowhere); `entities`: what is there before the app comes."""

    def __init__(
        self,
        app: App,
        folder: Path | None = None,
        entities: Sequence[Json] = (),
        start: str = START,
        zone: str = "UTC",
        data: Path | None = None,
        engine: Engine | None = None,
    ) -> None:
        self._app, self.entities = app, {str(one["id"]): dict(one) for one in entities}
        granted = granted_of(folder) if folder is not None else Granted()
        about = {"id": "test", "name": {"ko": "시험", "en": "Test"}, "timezone": zone}
        self.door = FakeDoor(granted, self.entities, self._put, self._delete, about)
        self._time = StandingTime(zone=ZoneInfo(zone))
        self._time.note(start, sys.float_info.min, 0.0)
        self._store = Store(data / "state.sqlite" if data is not None else None)
        app.outside = self.outside = FakeOutside(granted)
        app.door, app.time = self.door, self._time  # type: ignore[assignment]
        self._streams = Streams(app.plan, self._store, engine or Here(app), self.door.get)
        app.keeper = self._streams
        self._pages = Pages(app.plan.pages)
        self._waiting: deque[Json] = deque()
        self._shown: dict[str, set[str]] = {hear.name: set() for hear in app.plan.hears}
        self._due: list[tuple[datetime, int, Callable[[datetime], datetime], Any]] = []
        self._seq = max([0, *(self._streams.place(one.name) or 0 for one in app.plan.streams)])

    async def __aenter__(self) -> FakeCity:
        for start in self._app.plan.starts:
            await start()
        for hear in self._app.plan.hears:
            for entity in list(self.entities.values()):
                await self._tell(hear, entity["id"], entity)
        await self.settle()
        self._schedule()
        await self.advance()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        for stop in self._app.plan.stops:
            await stop()
        self._store.close()

    @property
    def commands(self) -> list[Json]:
        """The intents that the app stated."""
        return self.door.commanded

    @property
    def now(self) -> datetime:
        return self._time.now()

    @property
    def aside(self) -> list[tuple[str, int, str]]:
        """Events whose handler failed: stream, place in the log, error."""
        return self._store.aside()

    def state(self, handler: str) -> dict[str, Json]:
        """What an `each` or `window` handler keeps, by key."""
        return self._streams.kept(handler)

    def show(self, kind: str, pseudonym: str, **item: Any) -> None:
        """A person agrees to show an item of a kind to the app, for whatever purpose it asks for."""
        self.door.persons_shown.setdefault(kind, []).append({"pseudonym": pseudonym, "items": {"me": item}})

    def want_erased(self, pseudonym: str, kind: str, purpose: str) -> None:
        """A person wants gone what was made of their items; what the app answered is in `receipts`."""
        name = f"erasure-{len(self.door.erasures_due) + 1}"
        due = {"id": name, "pseudonym": pseudonym, "kind": kind, "purpose": purpose, "upTo": to_iso(self.now)}
        self.door.erasures_due.append(due)

    @property
    def receipts(self) -> list[Json]:
        return self.door.erasure_receipts

    def answer(self, answer: Callable[[Json], Json]) -> None:
        """What the command room makes of an intent, such as `{"status": "refused", "reason": "minimum_green"}`; else it accepts all."""
        self.door.answer = answer

    async def put(self, *entities: Json) -> None:
        """Entities come, or attributes of those that are there change (None removes one); the app hears of it."""
        for entity in entities:
            self._put(entity)
        await self.settle()

    async def delete(self, entity_id: str) -> None:
        self._delete(entity_id)
        await self.settle()

    async def advance(self, **by: float) -> None:
        """Moves the clock (`minutes=5`, as timedelta has it), and lets happen what falls due, in order."""
        await self.until(self.now + timedelta(**by))

    async def until(self, moment: datetime) -> None:
        while self._due and min(self._due)[0] <= moment:
            due = min(self._due)
            self._due.remove(due)
            self._set(max(due[0], self.now))
            self._due.append((due[2](self.now), due[1], due[2], due[3]))
            await due[3]()
            await self.settle()
        self._set(max(moment, self.now))
        await self._streams.tick(self.now)
        await self.settle()

    async def play(self, recording: Recording) -> None:
        """A recorded day, from its beginning; the clock goes with it."""
        self._set(from_iso(recording.begin))
        await self.put(*recording.entities)
        for change in recording.changes:
            await self.until(from_iso(change["at"]))
            entity = change["entity"]
            await (self.delete(entity["id"]) if change["op"] == "d" else self.put(entity))

    async def page(
        self, path: str, viewer: Viewer = NOBODY, form: Mapping[str, str] | None = None, **query: str
    ) -> Reply:
        """What the app answers to somebody who looks, or sends a form."""
        method, body = ("GET", b"") if form is None else ("POST", urlencode(form).encode())
        reply = await self._pages.answer(PageRequest(method, path, query, viewer, body))
        await self.settle()
        return reply

    async def settle(self) -> None:
        """Until nothing that happened is still to be told. Raises RuntimeError when the app answers itself for ever."""
        for _ in range(ROUNDS_MAX):
            while self._waiting:
                await self._happen(self._waiting.popleft())
            await self._streams.deliver(self.door)
            if not self._waiting:
                return
        raise RuntimeError("the app is told of what it writes, and writes again for ever")

    def _put(self, entity: Json) -> None:
        known = self.entities.get(entity["id"])
        whole = {name: value for name, value in {**(known or {}), **entity}.items() if value is not None}
        self.entities[entity["id"]] = whole
        self._happened("u" if known else "c", {"type": whole["type"], **entity}, whole)

    def _delete(self, entity_id: str) -> None:
        gone = self.entities.pop(entity_id)
        self._happened("d", {"id": entity_id, "type": gone["type"]}, None)

    def _happened(self, op: str, entity: Json, whole: Json | None) -> None:
        self._seq += 1
        change = {"seq": self._seq, "op": op, "at": to_iso(self.now), "entity": entity}
        self._waiting.append({"change": change, "whole": whole})

    async def _happen(self, what: Json) -> None:
        change, whole = what["change"], what["whole"]
        for hear in self._app.plan.hears:
            await self._tell(hear, change["entity"]["id"], whole, change["entity"])
        for stream in self._app.plan.streams:
            await self._streams.take(stream.name, self._frame(stream.subject, change))

    def _frame(self, subject: Any, change: Json) -> Json:
        entity = self._open(subject, change["entity"])
        fits = entity is not None and (change["op"] == "d" or (self._news(entity) and self._fits(subject, entity)))
        told = [change | {"entity": entity}] if fits else []
        return {"seq": change["seq"], "live": True, "changes": told}

    async def _tell(self, hear: Hear, name: str, whole: Json | None, changed: Json | None = None) -> None:
        shown = self._open(hear.subject, changed or whole or {})
        inside = whole is not None and shown is not None and self._fits(hear.subject, whole)
        known = name in self._shown[hear.name]
        if inside and shown is not None and whole is not None:
            self._shown[hear.name].add(name)
            told = shown if known else self._open(hear.subject, whole) or shown
            await hear.handler(hear.subject.shown(told), False)
        elif known:
            self._shown[hear.name].discard(name)
            await hear.handler(hear.subject.shown({"id": name}), True)

    def _open(self, subject: Any, entity: Json) -> Json | None:
        """What of it the app is told; None of what it did not ask for."""
        if entity.get("type") not in subject.types:
            return None
        names = set(subject.attrs) | {"id", "type"}
        shown = self.door.granted.shown(entity)
        return {name: value for name, value in shown.items() if not subject.attrs or name in names}

    def _news(self, entity: Json) -> bool:
        return bool(entity.keys() - {"id", "type"})

    def _fits(self, subject: Any, entity: Json) -> bool:
        return compile_where(subject.where)(entity)

    def _schedule(self) -> None:
        for beat in self._app.plan.beats:
            self._due.append((self.now, len(self._due), _step(beat.seconds), beat.handler))
        for cron in self._app.plan.crons:
            after = _after(cron.expression, self._time)
            self._due.append((after(self.now), len(self._due), after, cron.handler))

    def _set(self, moment: datetime) -> None:
        self._time.note(to_iso(moment), sys.float_info.min, 0.0)


def _step(seconds: float) -> Callable[[datetime], datetime]:
    return lambda now: now + timedelta(seconds=seconds)


def _after(expression: str, time: CityTime) -> Callable[[datetime], datetime]:
    return lambda now: from_iso(next_time(expression, now.astimezone(time.zone)).isoformat())
