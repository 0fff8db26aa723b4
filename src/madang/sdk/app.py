"""An app: what it listens to, what it does on a beat, how it asks and acts.

app = App.from_env()

@app.on("TrafficFlowObserved", attrs=("intensity", "occupancy"))
async def flow(entity, deleted): ...

@app.every(2.0)
async def beat(): ...

app.run()
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import httpx

from madang.sdk.city_time import CityTime
from madang.sdk.door import Address, Door, DoorError, Entity
from madang.sdk.feed import Feed, Wanted

log = logging.getLogger(__name__)

OnEntity = Callable[[Entity, bool], Awaitable[None]]
OnBeat = Callable[[], Awaitable[None]]
Reason = str | Mapping[str, Any]
OnErase = Callable[[Mapping[str, Any]], Awaitable[int]]
STOP_WAIT_S = 5.0
ERASE_S = 30.0


class App:
    """One running app. Handlers are awaited one after another, so an app needs no locks of its own."""

    def __init__(self, door: str, token: str) -> None:
        self.address = Address.of(door)
        self.door = Door(self.address, token)
        self.time = CityTime()
        self._feed = Feed(self.address, token, on_status=self._note, on_tick=self._tick)
        self._beats: list[tuple[float, bool, OnBeat]] = []
        self._starts: list[OnBeat] = []
        self._stops: list[OnBeat] = []
        self._turn = asyncio.Lock()
        self._stop = asyncio.Event()
        self._told = asyncio.Event()
        self.is_tried = "MADANG_APP_LOCKSTEP" in os.environ
        self._due: dict[int, float] = {}

    @classmethod
    def from_env(cls) -> App:
        """From MADANG_APP_DOOR (socket path or http URL) and MADANG_APP_TOKEN. Raises KeyError, ValueError."""
        return cls(os.environ["MADANG_APP_DOOR"], os.environ["MADANG_APP_TOKEN"])

    def on(self, *types: str, attrs: Sequence[str] = (), q: str = "") -> Callable[[OnEntity], OnEntity]:
        """Hear the state of entities of these types, then each change (changed attributes only), then deletions."""

        def keep(hear: OnEntity) -> OnEntity:
            name = f"s{len(self._feed.wanted) + 1}"
            self._feed.wanted.append(Wanted(name, types, self._hearer(hear), tuple(attrs), q))
            return hear

        return keep

    def every(self, seconds: float, city_time: bool = True) -> Callable[[OnBeat], OnBeat]:
        """Call each so many seconds of the city's time (of the wall clock with `city_time` False). No beat overlaps."""

        def keep(beat: OnBeat) -> OnBeat:
            self._beats.append((seconds, city_time, beat))
            return beat

        return keep

    def on_start(self, start: OnBeat) -> OnBeat:
        """Call once before listening; it is tried again until the city answers."""
        self._starts.append(start)
        return start

    def on_stop(self, stop: OnBeat) -> OnBeat:
        """Call once at the end, while the door is still open."""
        self._stops.append(stop)
        return stop

    def on_erase(self, erase: OnErase) -> OnErase:
        """Call for each person who wants gone what was made of their items: erase what came of `kind` for `purpose` of
        `pseudonym` until `upTo`, give how many things that were. It is the receipt the person reads; an error means later."""

        async def sweep() -> None:
            for due in await self.door.erasures():
                await self.door.erased(due["id"], await erase(due))

        self._beats.append((ERASE_S, False, sweep))
        return erase

    async def get(self, entity_id: str) -> Entity:
        return await self.door.get(entity_id)

    async def query(self, type: str, q: str = "", attrs: str = "") -> list[Entity]:
        return await self.door.query(type, q, attrs)

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
        return await self.door.command(intent(kind, target, value, reason, rank, expires_s))

    async def commands(self, intents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """State several intents (made by `intent`) in one request."""
        return await self.door.commands(intents)

    def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        asyncio.run(self.main())

    def stop(self) -> None:
        self._stop.set()

    async def main(self) -> None:
        """`run` inside a loop that is already there."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self._stop.set)
        work = asyncio.create_task(self._work())
        ended = asyncio.create_task(self._stop.wait())
        await asyncio.wait([work, ended], return_when=asyncio.FIRST_COMPLETED)
        failed = work.done() and not work.cancelled() and work.exception()
        for task in (work, ended):
            task.cancel()
        await asyncio.gather(work, ended, return_exceptions=True)
        await self._end()
        if failed:
            raise failed

    async def _work(self) -> None:
        for start in self._starts:
            await self._until_answered(start)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._feed.run())
            for seconds, city_time, beat in self._beats:
                group.create_task(self._beat(seconds, city_time, beat))

    async def _until_answered(self, start: OnBeat) -> None:
        wait = 0.3
        while True:
            try:
                return await start()
            except (httpx.HTTPError, DoorError) as error:
                if isinstance(error, DoorError) and error.status < 500:
                    raise
                log.warning("the city does not answer yet: %s", error)
                await asyncio.sleep(wait)
                wait = min(5.0, wait * 2)

    async def _tick(self, at: str) -> None:
        """In a testbed the city waits for the app: beats run by the city's seconds, not by the wall's."""
        self.time.note(at, 0.0)
        for number, (seconds, _, beat) in enumerate(self._beats):
            now = self.time.now().timestamp()
            if now >= self._due.get(number, now):
                self._due[number] = now + seconds
                async with self._turn:
                    await self._safely(beat)

    async def _beat(self, seconds: float, city_time: bool, beat: OnBeat) -> None:
        if self.is_tried:
            return
        if city_time:
            await self._told.wait()
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            async with self._turn:
                await self._safely(beat)
            step = seconds / self.time.speed if city_time else seconds
            # A beat that took longer than its time is followed at once, not by those it missed.
            due = max(due + step, loop.time())
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def _safely(self, beat: OnBeat) -> None:
        try:
            await beat()
        except (httpx.HTTPError, DoorError) as error:
            log.warning("a beat failed: %s", error)

    def _hearer(self, hear: OnEntity) -> Callable[[Mapping[str, Any]], Awaitable[None]]:
        async def take(frame: Mapping[str, Any]) -> None:
            async with self._turn:
                for entity in frame.get("entities", ()):
                    await hear(entity, False)
                for gone in frame.get("deleted", ()):
                    await hear({"id": gone}, True)

        return take

    def _note(self, frame: Mapping[str, Any]) -> None:
        if self.is_tried:
            return
        with contextlib.suppress(ValueError, KeyError, TypeError):
            self.time.note(str(frame["city_time"]), float(frame.get("speed", 1.0)))
            self._told.set()

    async def _end(self) -> None:
        for stop in self._stops:
            with contextlib.suppress(httpx.HTTPError, DoorError, TimeoutError):
                async with asyncio.timeout(STOP_WAIT_S):
                    await stop()
        await self.door.close()


def because(code: str, **parameters: str | float) -> Reason:
    """A reason that people read in their language: its texts stand in the manifest under `[reasons]`."""
    return {"code": code, "parameters": parameters}


def intent(
    kind: str,
    target: str,
    value: Mapping[str, Any],
    reason: Reason,
    rank: str = "efficiency",
    expires_s: float = 20.0,
) -> dict[str, Any]:
    """The JSON of an intent, for `App.commands`."""
    return {
        "kind": kind,
        "target": target,
        "value": dict(value),
        "reason": reason,
        "rank": rank,
        "expires_s": expires_s,
    }


def value_of(attribute: Any) -> Any:
    """The plain value of a concise attribute: bare, or under `value`, `json`, `object`, `languageMap`."""
    if isinstance(attribute, dict):
        for key in ("value", "json", "object", "languageMap", "vocab"):
            if key in attribute:
                return attribute[key]
    return attribute


def observed_at(attribute: Any) -> str | None:
    """When a concise attribute was observed (ISO text), if it says so."""
    return attribute.get("observedAt") if isinstance(attribute, dict) else None
