"""Topics and payloads of the field, as docs/ARCHITECTURE.md lists them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from madang.base.clock import from_iso, to_iso
from madang.ingest.sumo.loops import Period

MUST, MAY = "must", "may"


@dataclass(frozen=True)
class Message:
    """`payload` None is the empty payload that deletes; `rank` MAY messages wait when the budget is spent."""

    topic: str
    payload: dict[str, Any] | None
    rank: str = MUST


@dataclass(frozen=True)
class CityTime:
    """Simulated seconds since the local midnight of a day, as the city's time."""

    midnight: datetime

    def text(self, now_s: float) -> str:
        return to_iso(self.midnight + timedelta(seconds=now_s))

    def seconds(self, text: str) -> float:
        """Raises ValueError on a text that is no time."""
        return (from_iso(text) - self.midnight).total_seconds()


@dataclass(frozen=True)
class Topics:
    """Topic names of one city."""

    city: str

    def of(self, *parts: str) -> str:
        return "/".join(("city", self.city, *parts))


def loop_payload(time: str, period: Period) -> dict[str, Any]:
    return {"time": time, "count": period.count, "occupancy": period.occupancy, "speed_kmh": period.speed_kmh}


def signal_payload(time: str, state: str, stage: int | None, mode: str) -> dict[str, Any]:
    return {"time": time, "state": state, "stage": stage, "mode": mode}


def receipt_payload(command_id: str, done: bool, reason: str = "") -> dict[str, Any]:
    body: dict[str, Any] = {"commandId": command_id, "status": "done" if done else "refused"}
    return body | ({"reason": reason} if reason else {})
