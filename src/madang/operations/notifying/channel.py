"""What sends a message: one interface, a small module behind it for each way."""

from __future__ import annotations

from typing import Protocol

from madang.operations.notifying.message import Message


class NotSent(Exception):
    """Nobody took it. `is_final`: nobody will, so it is not tried again."""

    def __init__(self, why: str, is_final: bool = False) -> None:
        super().__init__(why)
        self.is_final = is_final


class Channel(Protocol):
    """`simulated`: what stands behind it is a play that reaches nobody."""

    simulated: bool

    async def send(self, message: Message) -> None:
        """Returns once somebody has taken it. Raises NotSent."""
