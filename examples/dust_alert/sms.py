"""Text messages behind an interface: a city puts its own provider here, and names its host under `egress` in app.toml."""

from __future__ import annotations

from typing import Protocol


class Sms(Protocol):
    simulated: bool

    async def send(self, phone: str, text: str) -> None: ...


class SimulatedSms:
    """Sends nothing to anybody; it only remembers what it would have sent."""

    simulated = True

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    async def send(self, phone: str, text: str) -> None:
        self.sent.append((phone, text))
