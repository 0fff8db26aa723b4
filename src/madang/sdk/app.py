"""An app: what it listens to, what it does and when, how it asks and acts.

app = App()

@app.on("TrafficFlowObserved", where="occupancy>0.5")
async def jam(entity, gone): ...

@app.cron("0 6 * * *")
async def morning(): ...

app.run()
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from madang.sdk.city_time import CityTime
from madang.sdk.door import LAKE_ROWS, Door, Entity
from madang.sdk.http import Answer
from madang.sdk.plan import (
    TOKEN,
    Beat,
    Cron,
    Each,
    Hear,
    Keeper,
    OnBeat,
    OnEntity,
    OnErase,
    OnEvent,
    OnRequest,
    OnWindow,
    Outside,
    PageOf,
    Plan,
    Types,
    Windowed,
    as_json,
    stream_name,
    subject_of,
)
from madang.sdk.values import Reason, intent

ERASE_S = 30.0


class App:
    """One app. Handlers are awaited one after another, so an app needs no locks of its own; `each` and `window` handlers with
    more than one worker run beside each other, and share nothing but what they are given."""

    def __init__(self) -> None:
        self.plan, self.time = Plan(), CityTime()
        self.door: Door | None = None
        self.keeper: Keeper | None = None
        self.outside: Outside | None = None
        self.stopping = asyncio.Event()

    def on(self, *types: Types, where: str = "", attrs: Sequence[str] = ()) -> Callable[[OnEntity], OnEntity]:
        """Hear what is: the state of entities of these types, then changes (changed attributes only, quick ones folded), then
        deletions. `where` in NGSI-LD's query language (clause 4.9): an entity that no longer fits is told as gone."""

        def keep(hear: OnEntity) -> OnEntity:
            self.plan.hears.append(Hear(f"on{len(self.plan.hears) + 1}", subject_of(types, where, attrs), hear))
            return hear

        return keep

    def each(
        self, *types: Types, where: str = "", attrs: Sequence[str] = (), key: str = "id"
    ) -> Callable[[OnEvent], OnEvent]:
        """Hear what happened: every change by itself, in order for each `key` (an attribute, or the id), also those of while the
        app was away (a day at most). The handler gets the event and the state of its key, a dict of JSON; what it leaves there is
        kept together with the place in the log, so that an event takes effect once. Entities that it returns are written to the
        city thereafter. `where` is asked of what changed."""

        def keep(handle: OnEvent) -> OnEvent:
            name = stream_name(self.plan, handle)
            self.plan.eaches.append(Each(name, subject_of(types, where, attrs), key, handle))
            return handle

        return keep

    def window(
        self,
        *types: Types,
        length: timedelta,
        every: timedelta | None = None,
        late: timedelta = timedelta(seconds=5),
        where: str = "",
        attrs: Sequence[str] = (),
    ) -> Callable[[OnWindow], OnWindow]:
        """What happened in each `length` of observed time, ending `every` so often (else once each length), told when it is over and
        `late` more has passed. The handler gets a Window (rows, Arrow, Polars, SQL over all its types) and a state as `each` has."""

        def keep(handle: OnWindow) -> OnWindow:
            name, length_s = stream_name(self.plan, handle), length.total_seconds()
            every_s = every.total_seconds() if every is not None else length_s
            if not 0 < every_s <= length_s:
                raise ValueError("every: more than nothing, at most the window's length")
            subject = subject_of(types, where, attrs)
            self.plan.windows.append(Windowed(name, subject, length_s, every_s, late.total_seconds(), handle))
            return handle

        return keep

    def every(self, seconds: float, city_time: bool = True) -> Callable[[OnBeat], OnBeat]:
        """Call each so many seconds of the city's time (of the wall clock with `city_time` False). No beat overlaps."""

        def keep(beat: OnBeat) -> OnBeat:
            self.plan.beats.append(Beat(seconds, city_time, beat))
            return beat

        return keep

    def cron(self, expression: str) -> Callable[[OnBeat], OnBeat]:
        """Call at the times that five fields (minute, hour, day, month, weekday) name in the city's time zone and time. What fell
        into a time when the app did not run is not made up for. Raises ValueError."""
        from cronsim import CronSim, CronSimError  # only apps with a schedule pay for it

        try:
            CronSim(expression, CityTime.EPOCH)
        except CronSimError as error:
            raise ValueError(f"{expression!r} is no schedule: {error}") from None

        def keep(beat: OnBeat) -> OnBeat:
            self.plan.crons.append(Cron(expression, beat))
            return beat

        return keep

    def page(self, path: str, methods: Sequence[str] = ("GET",)) -> Callable[[OnRequest], OnRequest]:
        """Answer requests for a path of the app's own pages: with text (HTML), with a dict or list (JSON), or with a Reply."""

        def keep(answer: OnRequest) -> OnRequest:
            self.plan.pages.append(PageOf(path, tuple(methods), answer))
            return answer

        return keep

    def files(self, path: str, folder: Path) -> None:
        """Files of the app's own as pages below a path: styles, scripts, pictures."""
        from madang.sdk.pages import file_of

        for one in sorted(found for found in folder.rglob("*") if found.is_file()):
            self.plan.pages.append(PageOf(f"{path}/{one.relative_to(folder).as_posix()}", ("GET",), file_of(one)))

    def on_start(self, start: OnBeat) -> OnBeat:
        """Call once before listening; it is tried again until the city answers."""
        self.plan.starts.append(start)
        return start

    def on_stop(self, stop: OnBeat) -> OnBeat:
        """Call once at the end, while the door is still open."""
        self.plan.stops.append(stop)
        return stop

    def on_erase(self, erase: OnErase) -> OnErase:
        """Call for each person who wants gone what was made of their items: erase what came of `kind` for `purpose` of
        `pseudonym` until `upTo`, give how many things that were. It is the receipt the person reads; an error means later."""

        async def sweep() -> None:
            for due in await self._city().erasures():
                await self._city().erased(due["id"], await erase(due))

        self.plan.beats.append(Beat(ERASE_S, False, sweep))
        return erase

    def _city(self) -> Door:
        if self.door is None:
            raise RuntimeError("the app does not run yet")
        return self.door

    def kept(self, handler: str) -> dict[str, dict[str, Any]]:
        """What an `each` or `window` handler keeps, by key (a window: under the empty one): for pages, beats and erasures."""
        return self._keeper().kept(handler)

    def keep(self, handler: str, key: str, state: dict[str, Any]) -> None:
        """One of those states anew; an empty one is forgotten."""
        self._keeper().keep(handler, key, state)

    def _keeper(self) -> Keeper:
        if self.keeper is None:
            raise RuntimeError("the app does not run yet, or keeps nothing")
        return self.keeper

    async def get(self, entity_id: str) -> Entity:
        """One entity in concise form."""
        return await self._city().get(entity_id)

    async def query(self, type: Types, q: str = "", attrs: str = "") -> list[Any]:
        """All entities of a type that match, as the type's class where one is given."""
        subject = subject_of((type,), q, ())
        return [subject.shown(one) for one in await self._city().query(subject.types[0], q, attrs)]

    async def sql(self, query: str, rows: int = LAKE_ROWS) -> list[dict[str, Any]]:
        """Ask of all that was, in a city with a lake: rows of a SELECT over `observation`, cut to what the app may read."""
        return await self._city().sql(query, rows)

    async def upsert(self, *entities: Any) -> None:
        """Write what the app makes."""
        await self._city().upsert([as_json(one) for one in entities])

    async def delete(self, entity_id: str) -> None:
        await self._city().delete(entity_id)

    async def persons(self, kind: str, purpose: str) -> list[dict[str, Any]]:
        """Everybody who agreed to show items of a kind for a purpose: `{"pseudonym", "items": {id: item}}`."""
        return await self._city().persons(kind, purpose)

    async def command(
        self,
        kind: str,
        target: str,
        value: Mapping[str, Any],
        reason: Reason,
        rank: str = "efficiency",
        expires_s: float = 20.0,
    ) -> dict[str, Any]:
        """State one intent; gives the receipt. `expires_s` counts the city's seconds."""
        return await self._city().command(intent(kind, target, value, reason, rank, expires_s))

    async def commands(self, intents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """State several intents (made by `intent`) in one request."""
        return await self._city().commands(intents)

    async def fetch(self, url: str, method: str = "GET", body: Any = None, **headers: str) -> Answer:
        """HTTP to a host that the manifest names under `egress`; a `body` that is neither text nor bytes is sent as JSON. Raises
        DoorError when the city does not let the app out there, DoorClosed when nobody answers."""
        from madang.sdk.outward import Outward, body_of  # only apps that go out pay for it

        self.outside = self.outside or Outward(os.environ.get("MADANG_APP_EGRESS", ""), os.environ.get(TOKEN, ""))
        data, told = body_of(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.outside.fetch(method, url, data, told | named)

    def stop(self) -> None:
        self.stopping.set()

    def run(self) -> None:
        """Run until SIGTERM or SIGINT, as the environment says (`MADANG_APP_DOOR`, `MADANG_APP_TOKEN`)."""
        from madang.sdk.starting import run

        run(self)
