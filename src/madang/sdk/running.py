"""An app in its city: the feed, the clock, the store and the pages behind what it declared."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from madang.sdk.app import App
from madang.sdk.door import Door, DoorError
from madang.sdk.feed import Feed, Followed, Wanted
from madang.sdk.http import Address, DoorClosed
from madang.sdk.plan import Beat, Cron, Hear, OnBeat
from madang.sdk.streams import Streams
from madang.sdk.work import is_away

log = logging.getLogger(__name__)
STOP_WAIT_S = 5.0
RETRY_FIRST_S, RETRY_MAX_S = 0.3, 5.0
TICK_S = 1.0
LOOK_S = 1.0
DATA_FILE, PAGES_SOCKET = "state.sqlite", "pages.sock"


class Running:
    """One app at one door. `data`: the folder that is its own; `module`: folder and `package.module`, for workers that load it, too."""

    def __init__(
        self,
        app: App,
        door: str,
        token: str,
        data: Path,
        workers: int = 1,
        engine: str = "",
        module: tuple[str, str] = ("", ""),
    ) -> None:
        self._app, self._data = app, data
        self._workers, self._engine_name, self._module = workers, engine, module
        address = Address.of(door)
        self.door = app.door = Door(address, token)
        self.feed = Feed(address, token, on_status=self._note, on_tick=self._lockstep)
        self._turn, self._told = asyncio.Lock(), asyncio.Event()
        self._is_tried = "MADANG_APP_LOCKSTEP" in os.environ
        self._due: dict[int, datetime] = {}
        self._streams: Streams | None = None
        self._engine: Any = None

    async def main(self) -> None:
        """Until the app is stopped, by itself or by a signal."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self._app.stop)
        work = asyncio.create_task(self._work())
        ended = asyncio.create_task(self._app.stopping.wait())
        await asyncio.wait([work, ended], return_when=asyncio.FIRST_COMPLETED)
        failed = work.done() and not work.cancelled() and work.exception()
        for task in (work, ended):
            task.cancel()
        await asyncio.gather(work, ended, return_exceptions=True)
        await self._end()
        if failed:
            raise failed

    async def _work(self) -> None:
        plan = self._app.plan
        self._listen()
        if plan.crons:
            await self._until_answered(self._know_zone)
        for start in plan.starts:
            await self._until_answered(start)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.feed.run())
            for beat in plan.beats:
                group.create_task(self._beat(beat))
            for cron in plan.crons:
                group.create_task(self._cron(cron))
            if self._streams is not None:
                group.create_task(self._tick(self._streams))
            if plan.pages:
                group.create_task(self._serve_pages())

    def _listen(self) -> None:
        for hear in self._app.plan.hears:
            one = hear.subject
            self.feed.wanted.append(Wanted(hear.name, one.types, self._hearer(hear), one.attrs, one.where))
        if self._app.plan.streams:
            self._streams = self._app.keeper = self._open_streams()
        for stream in self._app.plan.streams:
            self.feed.wanted.append(self._followed(stream.name))

    def _open_streams(self) -> Streams:
        # sqlite3 and the engines: only apps that keep something pay for them.
        from madang.sdk.engines import engine_of
        from madang.sdk.store import Store

        self._engine = engine_of(self._app, self._engine_name, self._workers, *self._module)
        return Streams(self._app.plan, Store(self._data / DATA_FILE), self._engine, self.door.get)

    def _followed(self, name: str) -> Followed:
        streams, subject = self._streams, self._app.plan.stream(name).subject
        assert streams is not None

        async def take(frame: Mapping[str, Any]) -> None:
            async def once() -> None:
                async with self._turn:
                    await streams.take(name, frame)

            await self._until_answered(once)
            with contextlib.suppress(DoorClosed, DoorError):  # what waits to be written goes again with the next tick
                await streams.deliver(self.door)

        return Followed(
            name, subject.types, take, subject.attrs, subject.where,
            after=lambda: streams.place(name), forget=lambda: streams.forget(name),
        )  # fmt: skip

    async def _know_zone(self) -> None:
        self._app.time.zone = ZoneInfo(str((await self.door.city())["timezone"]))

    async def _until_answered(self, start: OnBeat) -> None:
        wait = RETRY_FIRST_S
        while True:
            try:
                return await start()
            except (DoorClosed, DoorError) as error:
                if not is_away(error):
                    raise
                log.warning("the city does not answer: %s", error)
                await asyncio.sleep(wait)
                wait = min(RETRY_MAX_S, wait * 2)

    async def _lockstep(self, at: str) -> None:
        """In a testbed the city waits for the app: what falls due does so by the city's seconds, not by the wall's."""
        time, plan = self._app.time, self._app.plan
        time.note(at, 0.0)
        timed: list[Beat | Cron] = [*plan.beats, *plan.crons]
        for number, one in enumerate(timed):
            first = time.now() if isinstance(one, Beat) else self._next(one)
            if time.now() >= self._due.setdefault(number, first):
                self._due[number] = self._next(one)
                await self._safely(one.handler)
        if self._streams is not None:
            await self._look(self._streams)

    def _next(self, one: Beat | Cron) -> datetime:
        time = self._app.time
        if isinstance(one, Beat):
            return time.now() + timedelta(seconds=one.seconds)
        return next_time(one.expression, time.local())

    async def _beat(self, beat: Beat) -> None:
        if self._is_tried:
            return
        if beat.city_time:
            await self._told.wait()
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await self._safely(beat.handler)
            step = beat.seconds / self._app.time.speed if beat.city_time else beat.seconds
            # A beat that took longer than its time is followed at once, not by those it missed.
            due = max(due + step, loop.time())
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def _cron(self, cron: Cron) -> None:
        if self._is_tried:
            return
        await self._told.wait()
        while True:
            await self._until(next_time(cron.expression, self._app.time.local()))
            await self._safely(cron.handler)

    async def _until(self, moment: datetime) -> None:
        """Looked at again and again: a city's time may be set, or go faster."""
        while (left_s := (moment - self._app.time.now()).total_seconds()) > 0:
            await asyncio.sleep(min(left_s / self._app.time.speed, LOOK_S))

    async def _tick(self, streams: Streams) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            if not self._is_tried:
                await self._look(streams)

    async def _look(self, streams: Streams) -> None:
        """What waited for the city is tried again, windows end by its clock."""
        with contextlib.suppress(DoorClosed, DoorError):
            if self._app.time.known:
                async with self._turn:
                    await streams.tick(self._app.time.now())
            await streams.deliver(self.door)

    async def _safely(self, beat: Callable[[], Awaitable[None]]) -> None:
        try:
            async with self._turn:
                await beat()
        except (DoorClosed, DoorError) as error:
            log.warning("a beat failed: %s", error)

    async def _serve_pages(self) -> None:
        from madang.sdk.pages import Pages

        path = Path(os.environ.get("MADANG_APP_PAGES", self._data / PAGES_SOCKET))
        await Pages(self._app.plan.pages, self._turn).serve(path)

    def _hearer(self, one: Hear) -> Callable[[Mapping[str, Any]], Awaitable[None]]:
        async def take(frame: Mapping[str, Any]) -> None:
            async with self._turn:
                for entity in frame.get("entities", ()):
                    await one.handler(one.subject.shown(entity), False)
                for gone in frame.get("deleted", ()):
                    await one.handler(one.subject.shown({"id": gone}), True)

        return take

    def _note(self, frame: Mapping[str, Any]) -> None:
        if self._is_tried:
            return
        with contextlib.suppress(ValueError, KeyError, TypeError):
            self._app.time.note(str(frame["city_time"]), float(frame.get("speed") or 1.0))
            self._told.set()

    async def _end(self) -> None:
        for stop in self._app.plan.stops:
            with contextlib.suppress(DoorClosed, DoorError, TimeoutError):
                async with asyncio.timeout(STOP_WAIT_S):
                    await stop()
        if self._engine is not None:
            await self._engine.close()
        await self.door.close()


def next_time(expression: str, now: datetime) -> datetime:
    """When five fields of cron are due next after that local time."""
    from cronsim import CronSim

    found: datetime = next(CronSim(expression, now))
    return found
