"""Messages go out: at least once, each attempt with the same key, and with longer waits in between."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from madang.base.limits import NOTICE_ERROR_MAX_CHARS, NOTICES_AT_ONCE
from madang.operations.incidents.book import Book
from madang.operations.incidents.procedures import procedure_of
from madang.operations.notifying import decide
from madang.operations.notifying.book import NOTICE, NotifyBook, notice_of
from madang.operations.notifying.channel import Channel, NotSent
from madang.operations.notifying.message import Message, message_of
from madang.operations.notifying.nouns import ChannelName, Notice, State

_DUE = (
    f"SELECT {NOTICE} FROM notice WHERE state = 'waiting' AND next_at <= $1 ORDER BY next_at, id LIMIT $2"
    " FOR UPDATE SKIP LOCKED"
)
_TRIED = "UPDATE notice SET attempts = attempts + 1, next_at = $2 WHERE id = $1"
_DONE = "UPDATE notice SET state = $2, error = $3, done_at = $4, simulated = $5 WHERE id = $1"


class Sender:
    """`address`: where people reach the city."""

    def __init__(
        self, book: NotifyBook, incidents: Book, channels: Mapping[ChannelName, Channel], address: str
    ) -> None:
        self._book, self._incidents, self._channels, self._address = book, incidents, channels, address

    async def once(self) -> bool:
        """Whether there may be more."""
        taken = await self._take()
        await asyncio.gather(*(self._send(one) for one in taken))
        return len(taken) == NOTICES_AT_ONCE

    async def _take(self) -> list[Notice]:
        """An attempt is on record before it is made: who is killed during it waits as after a failure."""
        now = self._book.clock.now()
        async with self._book.pool.acquire() as connection, connection.transaction():
            found = [notice_of(row) for row in await connection.fetch(_DUE, now, NOTICES_AT_ONCE)]
            tried = [(one.id, decide.next_at(one.attempts + 1, now)) for one in found]
            await connection.executemany(_TRIED, tried)
        return found

    async def _send(self, notice: Notice) -> None:
        try:
            channel = self._channel(notice.channel)
            await channel.send(await self._message(notice))
            await self._done(notice, "sent", "", channel.simulated)
        except NotSent as error:
            await self._done(notice, decide.after_failure(notice.attempts + 1, error.is_final), str(error))

    def _channel(self, name: ChannelName) -> Channel:
        if name not in self._channels:
            raise NotSent("this city has not set up this channel", is_final=True)
        return self._channels[name]

    async def _message(self, notice: Notice) -> Message:
        incident, reach = await self._incidents.get(notice.incident), await self._book.reach(notice.who)
        if reach is None or notice.channel not in reach.addresses:
            raise NotSent("the person has no address there any more", is_final=True)
        procedure = procedure_of(self._incidents.procedures, incident.kind)
        to = reach.addresses[notice.channel]
        return message_of(notice, incident, procedure, to, reach.language, self._address)

    async def _done(self, notice: Notice, state: State, error: str, simulated: bool = False) -> None:
        at = None if state == "waiting" else self._book.clock.now()
        await self._book.pool.execute(_DONE, notice.id, state, error[:NOTICE_ERROR_MAX_CHARS], at, simulated)
