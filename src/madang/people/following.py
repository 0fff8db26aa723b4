"""The logs of one socket: opened at a place, told as far as the caller may see, and caught up from the database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import structlog

from madang.base.errors import BadRequest, MadangError, Unavailable
from madang.base.limits import CHANGES_FRAME_MAX
from madang.history.outbox import Outbox
from madang.model.change import Change
from madang.people.logs import Log, tell
from madang.people.ngsi.broker import Broker
from madang.people.socket_messages import Message
from madang.trust.caller import Caller

log = structlog.get_logger()
Say = Callable[[dict[str, Any]], Awaitable[None]]
Installed = Callable[[str], Awaitable[datetime | None]]
"""Since when an app is here, by its id: it hears nothing older than itself."""


async def nobody(app_id: str) -> datetime | None:
    return None


class Following:
    """`logs` by the id the client gave them."""

    def __init__(self, broker: Broker, outbox: Outbox | None, installed: Installed, say: Say) -> None:
        self._broker, self._outbox, self._installed, self._say = broker, outbox, installed, say
        self.logs: dict[str, Log] = {}

    async def begin(self, message: Message, caller: Caller) -> None:
        """A first frame tells from where it goes on, or why it does not."""
        try:
            await self._begin(message, caller)
        except MadangError as error:
            await self._say({"op": "error", "id": message.id, "problem": error.problem()})

    async def _begin(self, message: Message, caller: Caller) -> None:
        """Raises BadRequest, Forbidden, Gone, Unavailable."""
        if self._outbox is None:
            raise Unavailable("no log is kept here")
        if message.after is not None and not 0 <= message.after < 2**62:
            raise BadRequest("after: a place in the log")
        if message.bbox is not None:
            raise BadRequest("a log is not narrowed by place: an entity moves")
        query, form = message.wanted(1)
        app = caller.principal.kind == "app"
        action = "read" if app or message.after is None else "history"
        self._broker.restrict(caller, query, action)
        if message.after is not None:
            await self._outbox.check(message.after, await self._installed(caller.principal.id) if app else None)
        start = await self._outbox.top() if message.after is None else message.after
        self.logs[message.id] = Log(message.id, query, form, action, start)
        await self._say({"op": "log", "id": message.id, "seq": start, "live": False, "changes": []})

    async def tell(self, caller: Caller) -> None:
        """What there is of each log. What the database cannot say now waits."""
        for one in list(self.logs.values()):
            try:
                await (self._catch_up(one, caller) if one.behind else self._pass_on(one, caller))
            except MadangError as error:
                log.info("a log waits for the database", error=error.detail)
                one.restart()

    async def renew(self, caller: Caller) -> None:
        """Under changed rights: what may not be followed any more ends."""
        for one in list(self.logs.values()):
            try:
                self._broker.restrict(caller, one.query, one.action)
            except MadangError as error:
                self.logs.pop(one.id, None)
                await self._say({"op": "error", "id": one.id, "problem": error.problem()})

    async def _catch_up(self, one: Log, caller: Caller) -> None:
        assert self._outbox is not None
        generation = one.generation
        portion = await self._outbox.after(one.told, one.query.types)
        live = portion.last and one.generation == generation
        await self._send(one, portion.changes, portion.upto, caller, live)
        one.told = portion.upto
        # Again: what overflowed while the frame was on its way is behind once more.
        one.behind = not live or one.generation != generation

    async def _pass_on(self, one: Log, caller: Caller) -> None:
        before, fresh = one.told, one.take_waiting()
        try:
            # A place is only worth a frame when something of it is told; each portion caught up with tells its own.
            await self._send(one, fresh, one.told, caller, True) if fresh else None
        except MadangError:
            one.told = before
            raise

    async def _send(self, one: Log, changes: list[Change], upto: int, caller: Caller, live: bool) -> None:
        wanted = [change for change in changes if one.passes(change)]
        told = await tell(self._broker.store, caller.sight(one.action), wanted, one.form)
        for begin in range(0, len(told) or 1, CHANGES_FRAME_MAX):
            some = told[begin : begin + CHANGES_FRAME_MAX]
            whole = begin + CHANGES_FRAME_MAX >= len(told)
            seq = upto if whole else some[-1]["seq"]
            await self._say({"op": "log", "id": one.id, "seq": seq, "live": live and whole, "changes": some})
