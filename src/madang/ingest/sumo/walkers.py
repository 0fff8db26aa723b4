"""People on foot who tell where they are, each seldom: they are slow, and positions of vehicles come first."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

SHARE = 4  # of what positions may spend, one part in so many
EVERY_S = 4


@dataclass
class Walkers:
    """Who walks, and the turns they take, by departure: the same seed gives the same order."""

    here: set[str] = field(default_factory=set)
    turns: deque[tuple[str, int]] = field(default_factory=deque)

    def arrive(self, sumo: Any) -> list[str]:
        """Take in who set out and who arrived since the last step; gives those to delete."""
        for person in sumo.simulation.getDepartedPersonIDList():
            self.join(person)
        gone = [person for person in sumo.simulation.getArrivedPersonIDList() if person in self.here]
        self.here.difference_update(gone)
        return gone

    def join(self, person: str) -> None:
        self.here.add(person)
        self.turns.append((person, -EVERY_S))

    def next(self, now_s: int, spare: int) -> list[str]:
        """Who speaks now: each `EVERY_S` at most, within their share of `spare` messages."""
        chosen: list[str] = []
        while self.turns and len(chosen) < spare // SHARE and now_s - self.turns[0][1] >= EVERY_S:
            person, _ = self.turns.popleft()
            if person in self.here:
                self.turns.append((person, now_s))
                chosen.append(person)
        return chosen


def walker_payload(sumo: Any, person: str, time: str) -> dict[str, Any] | None:
    """Position of one person, or None when it is nowhere: SUMO has no place for who steps over the start of an edge."""
    x, y = sumo.person.getPosition(person)
    if x < -1e6:
        return None
    lon, lat = sumo.simulation.convertGeo(x, y)
    return {
        "time": time,
        "lon": round(lon, 6),
        "lat": round(lat, 6),
        "heading": round(sumo.person.getAngle(person)),
        "speed_kmh": round(sumo.person.getSpeed(person) * 3.6, 1),
    }
