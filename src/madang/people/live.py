"""The WebSocket door: the present as pages, then what changes, folded per entity, ten frames a second at most.

Law (tested): applying the frames to an empty page gives what a fresh query would give.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import structlog

from madang.base.errors import BadRequest, MadangError
from madang.base.limits import (
    SOCKET_FRAME_MAX_BYTES,
    SOCKET_QUEUE_MAX_CHANGES,
    SOCKET_SUBSCRIPTIONS_MAX,
    SOCKET_TICK_S,
    SOCKETS_MAX,
)
from madang.bus.changes import Change
from madang.context.store import Query, Store
from madang.model.context import CORE
from madang.model.entity import Entity
from madang.model.evaluate import satisfies
from madang.model.geometry import box_query
from madang.model.query import parse_query
from madang.model.render import Form, geometry_of, render
from madang.people.http import Receive, Scope, Send
from madang.people.ngsi.broker import Broker
from madang.trust.caller import Caller

log = structlog.get_logger()
PAGE = 500
SEND_TIMEOUT_S = 20.0
STATUS_S = 1.0


class Message(msgspec.Struct):
    op: str
    id: str = ""
    types: list[str] = []
    attrs: list[str] | None = None
    bbox: tuple[float, float, float, float] | None = None
    q: str | None = None
    format: str = "concise"


@dataclass
class View:
    """One subscription of one socket: its filters, what it has shown, and what waits to be sent."""

    id: str
    query: Query
    form: Form
    shown: set[str] = field(default_factory=set)
    pending: dict[str, tuple[Change, dict[str, Any]]] = field(default_factory=dict)
    floor: dict[str, int] = field(default_factory=dict)
    floor_top: int = 0
    loading: bool = True
    seq: int = 0

    @property
    def conditional(self) -> bool:
        return self.query.q is not None or self.query.geo is not None

    def take(self, change: Change) -> None:
        """Folds a change into what waits."""
        if not any(name in self.query.types for name in change.types):
            return
        before = self.pending.get(change.id)
        merged = change.change if before is None or change.op != "u" else before[1] | change.change
        self.pending[change.id] = (change, merged)
        self.seq = max(self.seq, change.seq)


class Live:
    """All sockets of this gateway."""

    def __init__(self, broker: Broker, status: Any) -> None:
        self.broker = broker
        self.status = status
        self.sockets: set[Socket] = set()

    def publish(self, change: Change) -> None:
        """One change from the bus to every view that may care."""
        for socket in self.sockets:
            for view in socket.views.values():
                view.take(change)

    def resync(self) -> None:
        """The bus was away: every view starts over from the database."""
        for socket in self.sockets:
            for view in socket.views.values():
                socket.reload(view)

    async def serve(self, scope: Scope, receive: Receive, send: Send, caller: Caller) -> None:
        """One socket until it closes."""
        await receive()
        if len(self.sockets) >= SOCKETS_MAX:
            await send({"type": "websocket.close", "code": 1013, "reason": "too many sockets"})
            return
        await send({"type": "websocket.accept"})
        socket = Socket(self, caller, send)
        self.sockets.add(socket)
        try:
            await socket.run(receive)
        finally:
            self.sockets.discard(socket)


class Socket:
    """One client."""

    def __init__(self, live: Live, caller: Caller, send: Send) -> None:
        self._live, self._caller, self._send = live, caller, send
        self._lock = asyncio.Lock()
        self._loads: set[asyncio.Task[None]] = set()
        self.views: dict[str, View] = {}

    async def run(self, receive: Receive) -> None:
        ticker = asyncio.create_task(self._tick_for_ever())
        try:
            while True:
                message = await receive()
                if message["type"] == "websocket.disconnect" or ticker.done():
                    return
                try:
                    await self._hear(message.get("text") or (message.get("bytes") or b"").decode("utf-8", "replace"))
                except MadangError as error:
                    await self._say({"op": "error", "problem": error.problem()})
        finally:
            for task in [ticker, *self._loads]:
                task.cancel()
            await asyncio.gather(ticker, *self._loads, return_exceptions=True)

    async def _hear(self, text: str) -> None:
        if len(text) > SOCKET_FRAME_MAX_BYTES:
            raise BadRequest(f"a frame has at most {SOCKET_FRAME_MAX_BYTES} bytes")
        try:
            message = msgspec.json.decode(text.encode(), type=Message)
        except (msgspec.MsgspecError, UnicodeEncodeError) as error:
            raise BadRequest(f"not a message: {error}") from None
        if message.op == "subscribe":
            self._subscribe(message)
        elif message.op == "unsubscribe":
            self.views.pop(message.id, None)
        elif message.op == "ping":
            await self._say({"op": "pong"})
        else:
            raise BadRequest(f"unknown op {message.op[:40]!r}")

    def _subscribe(self, message: Message) -> None:
        if len(self.views) >= SOCKET_SUBSCRIPTIONS_MAX:
            raise BadRequest(f"a socket has at most {SOCKET_SUBSCRIPTIONS_MAX} subscriptions")
        if not message.types or message.format not in ("normalized", "concise", "simplified"):
            raise BadRequest("subscribe names types and one of the formats normalized, concise, simplified")
        query = Query(
            types=tuple(CORE.expand(name) for name in message.types),
            q=parse_query(message.q) if message.q else None,
            geo=box_query(",".join(map(str, message.bbox))) if message.bbox else None,
            limit=PAGE,
        )
        form = Form(message.format, attrs=frozenset(message.attrs) if message.attrs else None)
        query, form = self._live.broker.restrict(self._caller, query, form)
        view = View(message.id, query, form)
        self.views[message.id] = view
        self.reload(view)

    def reload(self, view: View) -> None:
        view.loading = True
        view.pending.clear()
        task = asyncio.create_task(self._load(view))
        self._loads.add(task)
        task.add_done_callback(self._loads.discard)

    async def _load(self, view: View) -> None:
        """Pages of the present. What changes meanwhile waits in `pending` and is sent after, unless the page had it."""
        store, after = self._live.broker.store, ""
        view.shown, view.floor, view.floor_top = set(), {}, 0
        while self.views.get(view.id) is view:
            try:
                page = await store.find(_page(view.query, after))
            except MadangError as error:
                await self._say({"op": "error", "id": view.id, "problem": error.problem()})
                if error.status < 500:
                    return
                await asyncio.sleep(0.5)
                continue
            for row in page.rows:
                view.shown.add(row.entity.id)
                view.floor[row.entity.id] = row.seq
                view.floor_top = max(view.floor_top, row.seq)
            view.seq = max(view.seq, view.floor_top)
            entities = [render(row.entity, view.form, row.stamps) for row in page.rows]
            await self._say(
                {
                    "op": "state",
                    "id": view.id,
                    "seq": view.seq,
                    "entities": entities,
                    "first": after == "",
                    "last": not page.more,
                }
            )
            if not page.more:
                view.loading = False
                return
            after = page.rows[-1].entity.id

    async def _tick_for_ever(self) -> None:
        loop, next_status = asyncio.get_running_loop(), 0.0
        while True:
            began = loop.time()
            for view in list(self.views.values()):
                await self._flush(view)
            if began >= next_status:
                next_status = began + STATUS_S
                await self._say({"op": "status", **self._live.status()})
            await asyncio.sleep(max(0.0, SOCKET_TICK_S - (loop.time() - began)))

    async def _flush(self, view: View) -> None:
        if len(view.pending) > SOCKET_QUEUE_MAX_CHANGES:
            await self._say({"op": "resync", "id": view.id})
            self.reload(view)
        if view.loading or not view.pending:
            return
        pending, view.pending = view.pending, {}
        fresh = [(change, merged) for change, merged in pending.values() if change.seq > view.floor.get(change.id, 0)]
        if view.floor and all(change.seq > view.floor_top for change, _ in pending.values()):
            view.floor = {}
        entities, deleted = await self._split(view, fresh)
        if entities or deleted:
            await self._say({"op": "changes", "id": view.id, "seq": view.seq, "entities": entities, "deleted": deleted})

    async def _split(
        self, view: View, fresh: list[tuple[Change, dict[str, Any]]]
    ) -> tuple[list[dict[str, Any]], list[str]]:
        """What to show and what left the view (deleted, or no longer inside its conditions)."""
        inside = await _inside(self._live.broker.store, view, fresh) if view.conditional else None
        entities, deleted = [], []
        for change, merged in fresh:
            if change.op == "d" or (inside is not None and change.id not in inside):
                if change.id in view.shown:
                    view.shown.discard(change.id)
                    deleted.append(change.id)
                continue
            body = merged if inside is None or change.id in view.shown else inside[change.id].body
            view.shown.add(change.id)
            entities.append(_shown(change, body, view.form))
        return entities, deleted

    async def _say(self, frame: dict[str, Any]) -> None:
        async with self._lock:
            text = msgspec.json.encode(frame).decode()
            await asyncio.wait_for(self._send({"type": "websocket.send", "text": text}), SEND_TIMEOUT_S)


def _page(query: Query, after: str) -> Query:
    return replace(query, after=after or None)


async def _inside(store: Store, view: View, fresh: list[tuple[Change, dict[str, Any]]]) -> dict[str, Entity]:
    """The changed entities that satisfy the view's conditions now."""
    rows: list[Any] = []
    with contextlib.suppress(MadangError):
        rows = await store.list_by_id(sorted({change.id for change, _ in fresh if change.op != "d"}))
    query = view.query
    return {
        row.entity.id: row.entity
        for row in rows
        if (query.q is None or satisfies(row.entity.body, query.q))
        and (query.geo is None or query.geo.matches(geometry_of(row.entity)))
    }


def _shown(change: Change, body: dict[str, Any], form: Form) -> dict[str, Any]:
    present = {name: value for name, value in body.items() if value is not None}
    shown = render(Entity(change.id, change.types, present), form)
    for name in body.keys() - present.keys():
        if form.attrs is None or name in form.attrs:
            shown[name] = None
    return shown
