"""A run of the field at the pace of the apps it is tried with: a second, its messages, a tick; on with everybody's tock.

The other end is people.lockstep. What is told of accidents and events is kept as the truth that alarms are held against; an app
that is to find them by itself is not told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from madang.ingest.sumo.field import Field
from madang.ingest.sumo.messages import Message

FIRST_WAIT_S, WAIT_S = 90.0, 20.0
LATE_MAX = 3


class NoAnswer(RuntimeError):
    """An app did not say that it is done with a second of the city."""


@dataclass
class Conductor:
    """`put` sends messages in order, `take` gives what came since (topic, JSON); `apps` are waited for: without any the city runs
    on by itself and tells nobody. `progress` hears of each second. `truth` are the bodies of the incidents."""

    street: Field
    put: Callable[[list[Message]], None]
    take: Callable[[], list[tuple[str, Any]]]
    apps: frozenset[str]
    hidden: bool = False
    progress: Callable[[int], None] = lambda done: None
    truth: list[dict[str, Any]] = field(default_factory=list)
    late: int = 0
    _answered: set[str] = field(default_factory=set)

    async def run(self, seconds: int) -> None:
        """Raises NoAnswer at the first second, or when it happens again and again."""
        for number in range(seconds):
            told = [message for message in self.street.step() if not self._is_secret(message)]
            self.progress(number)
            if self.apps:
                at = self.street.setup.time.text(self.street.now)
                self.put([*told, Message(self.street.topics.of("simulation", "tick"), {"time": at})])
                await self._wait(at, WAIT_S if number else FIRST_WAIT_S)

    def _is_secret(self, message: Message) -> bool:
        if "/incident/" not in message.topic or message.payload is None:
            return False
        self.truth.append(message.payload | {"id": message.topic.rsplit("/", 1)[-1]})
        return self.hidden

    async def _wait(self, at: str, wait_s: float) -> None:
        self._answered.clear()
        try:
            async with asyncio.timeout(wait_s):
                while not self.apps <= self._answered:
                    self._hear(at)
                    await asyncio.sleep(0.001)
        except TimeoutError:
            self.late += 1
            if self.late >= LATE_MAX or wait_s == FIRST_WAIT_S:
                silent = ", ".join(sorted(self.apps - self._answered))
                raise NoAnswer(f"{silent} did not answer within {wait_s:g} s") from None

    def _hear(self, at: str) -> None:
        for topic, body in self.take():
            parts = topic.split("/")
            if parts[-1] == "tock":
                self._answered |= {body["app"]} if body["at"] == at else set()
            elif parts[-1] == "interrogation":
                self.street.tell_anew()
            else:
                self.put(self.street.command(parts[2], parts[3], body))
