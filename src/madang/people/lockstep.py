"""Lockstep: in a testbed the city's time goes on when its apps have done what a second asked of them, not before.

The field tells its devices' messages of a second, then a tick. The tick takes the way of every message (ingest, context, bus),
so that whoever is told of it was told of all before it. An app answers with a tock when its handlers and beats are done; the
field steps on when it has one of each app. So a run depends on its seed, not on how fast this machine is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

from madang.model.change import Change

TICK = "SimulationTick"
Tell = Callable[[dict[str, Any]], Awaitable[None]]


class Follower(Protocol):
    """A socket that takes part. `done`: the tick it answered last."""

    app: str
    done: str


class Lockstep:
    """`now` is the tick that the bus told last, an ISO 8601 time. `heard` gives the one the command room heard, by its own
    wire; `tell` answers the field; `followers` are the sockets of apps."""

    def __init__(self, heard: Callable[[], str], tell: Tell, followers: Callable[[], Iterable[Follower]]) -> None:
        self._heard, self._tell, self._followers = heard, tell, followers
        self.now = ""

    def hear(self, change: Change) -> None:
        """A change of the bus, of whatever type."""
        if TICK in change.types:
            self.now = str(change.change.get("cityTime", {}).get("value", self.now))

    def due(self, follower: Follower) -> str:
        """The tick this socket is to be told of when all before it was sent; empty while there is none."""
        return self.now if self.now not in ("", follower.done) and self._heard() == self.now else ""

    async def answered(self, follower: Follower, at: str) -> None:
        """The field hears of each app whose sockets have all answered."""
        if at != self.now:
            return
        follower.done = at
        mates = [one for one in self._followers() if one.app == follower.app]
        if all(one.done == at for one in mates):
            await self._tell({"at": at, "app": follower.app})
