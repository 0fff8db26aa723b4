"""The WebSocket door: the present as pages, then what changes, folded per entity, ten frames a second at most (fifty for apps).
Who must miss nothing follows a log instead (`following.py`).

Law (tested): applying the frames to an empty page gives what a fresh query would give.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import msgspec
import structlog

from madang.base.errors import BadRequest, MadangError, Unauthorized
from madang.base.limits import (
    APP_SOCKET_TICK_S,
    SOCKET_QUEUE_MAX_CHANGES,
    SOCKET_SUBSCRIPTIONS_MAX,
    SOCKET_TICK_S,
    SOCKETS_MAX,
)
from madang.context.query import Cursor, Page
from madang.context.row import Row
from madang.engine.database import LOST
from madang.history.outbox import Outbox
from madang.model.change import Change
from madang.model.entity import Entity
from madang.model.render import Form, render
from madang.people.app_door import AppDoor
from madang.people.following import Following, Installed, nobody
from madang.people.http import Receive, Scope, Send
from madang.people.lockstep import Lockstep
from madang.people.ngsi.broker import Broker
from madang.people.socket_messages import Message, read_message
from madang.people.views import View, Waiting, shown_change
from madang.trust.caller import Caller

log = structlog.get_logger()
Again = Callable[[], Awaitable[Caller]]
PAGE = 500
SEND_TIMEOUT_S = 20.0
STATUS_S = 1.0


class Live:
    """All sockets of this gateway."""

    def __init__(
        self, broker: Broker, status: Any, outbox: Outbox | None = None, installed: Installed = nobody
    ) -> None:
        self.broker, self.outbox, self.installed = broker, outbox, installed
        self.status = status
        self.sockets: set[Socket] = set()
        self.lockstep: Lockstep | None = None
        self.app_door: AppDoor | None = None

    def publish(self, change: Change) -> None:
        """One change from the bus to every view that may care."""
        for socket in self.sockets:
            for view in socket.views.values():
                view.take(change)
            for log in socket.following.logs.values():
                log.take(change)
        if self.lockstep is not None:
            self.lockstep.hear(change)

    def followers(self) -> list[Socket]:
        """The sockets of apps that have asked for something."""
        return [one for one in self.sockets if one.is_app and (one.views or one.following.logs)]

    def resync(self) -> None:
        """The bus was away: every view starts over from the database."""
        for socket in self.sockets:
            for view in socket.views.values():
                socket.reload(view)
            for log in socket.following.logs.values():
                log.restart()

    async def serve(self, scope: Scope, receive: Receive, send: Send, again: Again) -> None:
        """One socket until it closes; `again` tells who it is by now. Raises Unauthorized when nobody is let in."""
        await receive()
        if len(self.sockets) >= SOCKETS_MAX:
            await send({"type": "websocket.close", "code": 1013, "reason": "too many sockets"})
            return
        await send({"type": "websocket.accept"})
        socket = Socket(self, await again(), again, send)
        self.sockets.add(socket)
        try:
            await socket.run(receive)
        finally:
            self.sockets.discard(socket)


class Socket:
    """One client."""

    def __init__(self, live: Live, caller: Caller, again: Again, send: Send) -> None:
        self._live, self._caller, self._again, self._send = live, caller, again, send
        self._lock = asyncio.Lock()
        self._loads: set[asyncio.Task[None]] = set()
        self.views: dict[str, View] = {}
        self.following = Following(live.broker, live.outbox, live.installed, self._say)
        self.is_app, self.app = caller.principal.kind == "app", caller.principal.id
        self.done = self._told = ""

    async def run(self, receive: Receive) -> None:
        """Until the client leaves, or can no longer be told anything: then it is hung up on, so that it comes again."""
        ticker = asyncio.create_task(self._tick_for_ever())
        hearing = asyncio.create_task(self._hear_for_ever(receive))
        try:
            await asyncio.wait([ticker, hearing], return_when=asyncio.FIRST_COMPLETED)
        finally:
            left = hearing.done()
            for task in [ticker, hearing, *self._loads]:
                task.cancel()
            await asyncio.gather(ticker, hearing, *self._loads, return_exceptions=True)
        if not left:
            with contextlib.suppress(Exception):  # it may be too late even for that
                await self._send({"type": "websocket.close", **_why(ticker)})

    async def _hear_for_ever(self, receive: Receive) -> None:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                if self._live.app_door is not None:
                    await self._live.app_door.heard(self._caller)
                await self._hear(message.get("text") or (message.get("bytes") or b"").decode("utf-8", "replace"))
            except MadangError as error:
                await self._say({"op": "error", "problem": error.problem()})

    async def _hear(self, text: str) -> None:
        message = read_message(text)
        if message.op == "subscribe":
            self._subscribe(message)
        elif message.op == "follow":
            self._room()
            await self.following.begin(message, self._caller)
        elif message.op == "unsubscribe":
            self.views.pop(message.id, None)
            self.following.logs.pop(message.id, None)
        elif message.op == "ping":
            await self._say({"op": "pong"})
        elif message.op == "tock" and self.is_app and self._live.lockstep is not None:
            await self._live.lockstep.answered(self, message.id)
        else:
            raise BadRequest(f"unknown op {message.op[:40]!r}")

    def _room(self) -> None:
        if len(self.views) + len(self.following.logs) >= SOCKET_SUBSCRIPTIONS_MAX:
            raise BadRequest(f"a socket has at most {SOCKET_SUBSCRIPTIONS_MAX} subscriptions")

    def _subscribe(self, message: Message) -> None:
        self._room()
        query, form = message.wanted(PAGE)
        view = View(message.id, self._live.broker.restrict(self._caller, query), form, query)
        self.views[message.id] = view
        self.reload(view)

    def reload(self, view: View) -> None:
        task = asyncio.create_task(self._load(view, view.restart()))
        self._loads.add(task)
        task.add_done_callback(self._loads.discard)

    def _current(self, view: View, generation: int) -> bool:
        return self.views.get(view.id) is view and view.generation == generation

    async def _load(self, view: View, generation: int) -> None:
        """Pages of the present. What changes meanwhile waits in `pending` and is sent after, unless the page had it."""
        after: Cursor | None = None
        while self._current(view, generation):
            try:
                page = await self._live.broker.store.find(replace(view.query, after=after))
            except MadangError as error:
                await self._say({"op": "error", "id": view.id, "problem": error.problem()})
                if error.status < 500:
                    return
                await asyncio.sleep(0.5)
                continue
            if not self._current(view, generation):
                return
            await self._say(self._state(view, page, after is None))
            if not page.more:
                view.loading = view.generation != generation
                return
            after = page.last

    def _state(self, view: View, page: Page, is_first: bool) -> dict[str, Any]:
        for row in page.rows:
            view.shown.add(row.entity.id)
            view.floor[row.entity.id] = row.seq
            view.floor_top = max(view.floor_top, row.seq)
        view.seq = max(view.seq, view.floor_top)
        entities = [render(row.entity, self._form(view, row.entity), row.stamps) for row in page.rows]
        return {
            "op": "state",
            "id": view.id,
            "seq": view.seq,
            "entities": entities,
            "first": is_first,
            "last": not page.more,
        }

    def _form(self, view: View, entity: Entity) -> Form:
        return self._live.broker.cut(self._caller, entity, view.form)

    async def _tick_for_ever(self) -> None:
        loop, next_status = asyncio.get_running_loop(), 0.0
        tick_s = APP_SOCKET_TICK_S if self.is_app else SOCKET_TICK_S
        while True:
            began = loop.time()
            await self._renew(self._caller.now())
            due = self._live.lockstep.due(self) if self.is_app and self._live.lockstep is not None else ""
            for view in list(self.views.values()):
                await self._flush(view)
            await self.following.tell(self._caller)
            await self._tick(due)
            if began >= next_status:
                next_status = began + STATUS_S
                with contextlib.suppress(*LOST):  # a database that is away decides nothing
                    await self._renew(await self._again())
                await self._say({"op": "status", **self._live.status()})
            await asyncio.sleep(max(0.0, tick_s - (loop.time() - began)))

    async def _tick(self, due: str) -> None:
        """Tells a tick that was due before all was sent, once."""
        views, logs = self.views.values(), self.following.logs.values()
        late = not (views or logs) or any(view.loading or view.pending for view in views)
        late = late or any(log.behind or log.waiting for log in logs)
        if due and due != self._told and not late:
            self._told = due
            await self._say({"op": "tick", "at": due})

    async def _renew(self, caller: Caller) -> None:
        """Where rights changed every view begins anew; what may be asked no more is told, and ends. When nobody is let in with
        these credentials any more the socket ends, as with any failure."""
        if caller is self._caller:
            return
        self._caller = caller
        await self.following.renew(caller)
        for view in list(self.views.values()):
            try:
                view.query = self._live.broker.restrict(caller, view.asked)
            except MadangError as error:
                self.views.pop(view.id, None)
                await self._say(
                    {"op": "state", "id": view.id, "seq": view.seq, "entities": [], "first": True, "last": True}
                )
                await self._say({"op": "error", "id": view.id, "problem": error.problem()})
            else:
                self.reload(view)

    async def _flush(self, view: View) -> None:
        if len(view.pending) > SOCKET_QUEUE_MAX_CHANGES:
            await self._say({"op": "resync", "id": view.id})
            self.reload(view)
        if view.loading or not view.pending:
            return
        view.flushing = True
        try:
            await self._tell(view)
        finally:
            view.flushing = False

    async def _tell(self, view: View) -> None:
        generation, seq, fresh = view.generation, view.seq, view.take_waiting()
        try:
            rows = await self._rows(view, fresh)
        except MadangError as error:
            # Without the database nobody knows what is inside: told later, never as gone.
            log.info("a view waits for the database", error=error.detail)
            if self._current(view, generation):
                view.put_back(fresh)
            return
        if not self._current(view, generation):
            return
        entities, deleted = self._split(view, fresh, rows)
        if entities or deleted:
            await self._say({"op": "changes", "id": view.id, "seq": seq, "entities": entities, "deleted": deleted})

    async def _rows(self, view: View, fresh: list[Waiting]) -> dict[str, Row]:
        """The entities as they are now: all under conditions, else those the client gets to see first by an update."""
        wanted = {
            one.change.id
            for one in fresh
            if one.change.op != "d" and (view.conditional or (one.change.id not in view.shown and not one.reborn))
        }
        rows = await self._live.broker.store.list_by_id(sorted(wanted)) if wanted else []
        return {row.entity.id: row for row in rows}

    def _split(self, view: View, fresh: list[Waiting], rows: dict[str, Row]) -> tuple[list[dict[str, Any]], list[str]]:
        """What to show and what left the view (deleted, or no longer inside). One that was created anew is in both."""
        entities, deleted = [], []
        for one in fresh:
            change, known = one.change, one.change.id in view.shown
            row = rows.get(change.id)
            stays = change.op != "d" and view.wants(change.types) and view.inside(row, known or one.reborn)
            if known and (one.reborn or not stays):
                deleted.append(change.id)
            if not stays:
                view.shown.discard(change.id)
                continue
            view.shown.add(change.id)
            body = row.entity.body if row is not None and (one.reborn or not known) else one.body
            known_of_it = row.entity.body if row is not None else {}
            entity = Entity(change.id, change.types, dict.fromkeys(body) | known_of_it)
            entities.append(shown_change(change, body, self._form(view, entity)))
        return entities, deleted

    async def _say(self, frame: dict[str, Any]) -> None:
        if self._live.app_door is not None:
            self._live.app_door.told(self._caller, frame)
        async with self._lock:
            text = msgspec.json.encode(frame).decode()
            await asyncio.wait_for(self._send({"type": "websocket.send", "text": text}), SEND_TIMEOUT_S)


def _why(ended: asyncio.Task[None]) -> dict[str, Any]:
    """Code and reason of the close: 4401 when nobody is let in with these credentials any more."""
    error = ended.exception() if ended.done() and not ended.cancelled() else None
    if isinstance(error, Unauthorized):
        return {"code": 4000 + error.status, "reason": error.detail}
    return {"code": 1011, "reason": "start over"}
