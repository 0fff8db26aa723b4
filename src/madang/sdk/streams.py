"""Events of `each` and `window` handlers, a batch at a time: worked off, then committed with their place in the log."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from madang.base.clock import from_iso, to_iso
from madang.sdk.door import DoorError
from madang.sdk.engines import Engine
from madang.sdk.plan import Each, Plan, Windowed
from madang.sdk.store import Commit, Place, Store
from madang.sdk.windows import time_of
from madang.sdk.work import is_away

log = logging.getLogger(__name__)
Change = dict[str, Any]
OUT_AT_ONCE = 500
Get = Callable[[str], Awaitable[dict[str, Any]]]
WHOLE = ""
"""The key of a window's state."""


class Streams:
    """All streams of an app over one store."""

    def __init__(self, plan: Plan, store: Store, engine: Engine, get: Get) -> None:
        """`get`: an entity of the city by its id; raises DoorError where there is none."""
        self._plan, self._store, self._engine, self._get = plan, store, engine, get
        self._live: set[str] = set()

    def place(self, name: str) -> int | None:
        """Up to where everything was taken."""
        self._live.discard(name)
        return self._store.place(name).seq

    def forget(self, name: str) -> None:
        """What came since is lost: it goes on from the present with the state it has."""
        log.error("%s: the city does not tell any more what happened since it was heard last", name)
        self._store.commit(Commit(name, replace(self._store.place(name), seq=None)))

    def kept(self, name: str) -> dict[str, dict[str, Any]]:
        """The states of a handler, by key."""
        return self._store.all_states(name)

    def keep(self, name: str, key: str, state: dict[str, Any]) -> None:
        """One of them anew; an empty one is forgotten. Not while its events are being worked off."""
        self._store.commit(Commit(name, self._store.place(name), {key: state}))

    async def take(self, name: str, frame: Mapping[str, Any]) -> None:
        """A frame of the log. Raises DoorClosed when a worker or the city is away: then nothing of it happened."""
        stream, before = self._plan.stream(name), self._store.place(name)
        seq, known = int(frame["seq"]), -1 if before.seq is None else before.seq
        fresh = [one for one in frame["changes"] if one["seq"] > known]
        if frame.get("live"):
            self._live.add(name)
        place = replace(before, seq=max(seq, known))
        if isinstance(stream, Windowed):
            self._keep(stream, place, fresh)
            await self._close(stream)
        elif fresh or place != before:
            await self._each(stream, place, fresh)

    async def _each(self, stream: Each, place: Place, changes: Sequence[Change]) -> None:
        by_key: dict[str, list[Change]] = {}
        keys: dict[str, str | None] = {}
        for change in changes:
            by_key.setdefault(await self._key(stream, change, keys), []).append(change)
        states = self._store.states(stream.name, by_key)
        tasks = [
            {"stream": stream.name, "key": key, "state": states[key], "events": some} for key, some in by_key.items()
        ]
        results = await self._engine.run(tasks) if tasks else []
        self._commit(Commit(stream.name, place, keys=keys), tasks, results)

    async def _key(self, stream: Each, change: Change, keys: dict[str, str | None]) -> str:
        """What changed may not name the key: then it is the one the entity had, or has as far as the city knows."""
        entity, name = change["entity"], change["entity"]["id"]
        if stream.key == "id":
            return str(name)
        found = stream.key_of(entity) or keys.get(name) or self._store.key_of(stream.name, name)
        if found is None and change["op"] != "d":
            found = stream.key_of(await self._asked(name))
        keys[name] = None if change["op"] == "d" else found
        return found or ""

    async def _asked(self, name: str) -> Change:
        try:
            return await self._get(name)
        except DoorError as error:
            if is_away(error):
                raise
            return {"id": name}

    def _commit(self, done: Commit, tasks: Sequence[Change], results: Sequence[Change]) -> None:
        for task, result in zip(tasks, results, strict=True):
            done.states[task["key"]] = result["state"]
            done.out += result["out"]
            done.aside += [(seq, error) for seq, error in result["aside"]]
        self._store.commit(done)

    def _keep(self, stream: Windowed, place: Place, changes: Sequence[Change]) -> None:
        """Rows of windows that are open still; what comes later than `late` is not counted any more."""
        rows = [(from_iso(time_of(one)).timestamp(), int(one["seq"]), one) for one in changes]
        open_from = place.closed - stream.length_s + stream.every_s
        kept = [row for row in rows if row[0] >= open_from]
        if len(kept) < len(rows):
            log.warning("%s: %d changes came too late for their window", stream.name, len(rows) - len(kept))
        watermark = max([place.watermark, *(row[0] for row in kept)])
        self._store.commit(Commit(stream.name, replace(place, watermark=watermark), rows=kept))

    async def tick(self, now: datetime) -> None:
        """The city's time goes on though nothing happens: windows end. Not while the log is still being caught up with."""
        for stream in self._plan.windows:
            place = self._store.place(stream.name)
            if stream.name in self._live and now.timestamp() > place.watermark:
                self._store.commit(Commit(stream.name, replace(place, watermark=now.timestamp())))
                await self._close(stream)

    async def _close(self, stream: Windowed) -> None:
        while (end := self._due(stream)) is not None:
            begin, place = end - stream.length_s, self._store.place(stream.name)
            window = {"begin": _iso(begin), "end": _iso(end), "rows": self._store.rows(stream.name, begin, end)}
            state = self._store.states(stream.name, [WHOLE])[WHOLE]
            tasks = [{"stream": stream.name, "key": WHOLE, "state": state, "window": window}]
            results = await self._engine.run(tasks)
            done = Commit(stream.name, replace(place, closed=end), forget_before=begin + stream.every_s)
            self._commit(done, tasks, results)

    def _due(self, stream: Windowed) -> float | None:
        """The end of the next window in which something happened, when it is over."""
        place = self._store.place(stream.name)
        first = self._store.first_row(stream.name, place.closed - stream.length_s + stream.every_s)
        if first is None:
            return None
        # The first end after that row, and after the last one that was closed.
        end = (math.floor(first / stream.every_s) + 1) * stream.every_s
        end = max(end, place.closed + stream.every_s if place.closed else end)
        return end if end + stream.late_s <= place.watermark else None

    async def deliver(self, door: Any) -> None:
        """Writes to the city what handlers made. Raises DoorClosed, DoorError (500 and above) when the city is away."""
        while some := self._store.outgoing(OUT_AT_ONCE):
            try:
                await door.upsert([body for _, body in some])
            except DoorError as error:
                if is_away(error):
                    raise
                log.error("the city does not take what the app made: %s", error)
            self._store.sent(some[-1][0])


def _iso(seconds: float) -> str:
    return to_iso(datetime.fromtimestamp(seconds, UTC))
