"""Passengers of the simulated lines: who waits, who boards, how long that takes. Pure.

They come one by one, at each stop and for each line by a stream of its own: the same seed brings the same people with and
without an app. A vehicle stands as long as its doors, boarding and alighting take, so one that is late meets more people and
gets later still: that is what makes lines bunch.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

MINUTE_S = 60
FIRST_S = 300.0  # how long people have been waiting when the first vehicle is seen
PER_H = {"tram": 60.0, "bus": 30.0}
ALIGHT_SHARE = 0.15
CAPACITY = {"tram": 180, "bus": 75}
DOORS_S = {"tram": 10.0, "bus": 8.0}
BOARD_S = {"tram": 0.9, "bus": 2.5}  # trams board at all doors
ALIGHT_S = {"tram": 0.7, "bus": 1.4}


@dataclass(frozen=True)
class Stay:
    """What a vehicle does at a stop: people who leave and board, s that it takes, s that the boarders had waited in all."""

    alighted: int
    boarded: int
    dwell_s: float
    waited_s: float


@dataclass
class Riders:
    """Who was left behind and since when people come, by (line, stop); how many boarded in all, and their wait in s."""

    seed: int
    since_s: dict[tuple[str, str], float] = field(default_factory=dict)
    left: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    boarded: int = 0
    waited_s: float = 0.0

    def aboard_at_first(self, vehicle: str, mode: str) -> int:
        """Who is in a vehicle that drives into the map."""
        return random.Random(f"{self.seed}:aboard:{vehicle}").randint(5, CAPACITY[mode] // 3)

    def stay(self, line: str, stop: str, mode: str, aboard: int, now_s: float) -> Stay:
        """A vehicle of a line opens its doors."""
        key = line, stop
        waiting = self.left.pop(key, []) + list(self._came(key, mode, now_s))
        self.since_s[key] = now_s
        alighted = round(max(0, aboard) * ALIGHT_SHARE)
        room = max(0, CAPACITY[mode] - aboard + alighted)
        on, self.left[key] = waiting[:room], waiting[room:]
        waited_s = sum(now_s - came for came in on)
        self.boarded, self.waited_s = self.boarded + len(on), self.waited_s + waited_s
        dwell_s = DOORS_S[mode] + max(len(on) * BOARD_S[mode], alighted * ALIGHT_S[mode])
        return Stay(alighted, len(on), dwell_s, waited_s)

    def _came(self, key: tuple[str, str], mode: str, now_s: float) -> Iterator[float]:
        """Seconds at which people came since the last vehicle, in order."""
        since_s = self.since_s.get(key, now_s - FIRST_S)
        for minute in range(int(since_s // MINUTE_S), int(now_s // MINUTE_S) + 1):
            yield from (when for when in self._in_minute(key, mode, minute) if since_s < when <= now_s)

    def _in_minute(self, key: tuple[str, str], mode: str, minute: int) -> Iterator[float]:
        rng, into_s = random.Random(f"{self.seed}:riders:{key}:{minute}"), 0.0
        while (into_s := into_s + rng.expovariate(PER_H[mode] / 3600)) < MINUTE_S:
            yield minute * MINUTE_S + into_s

    def snapshot(self) -> dict[str, Any]:
        rows = [[*key, since_s, self.left.get(key, [])] for key, since_s in self.since_s.items()]
        return {"stops": rows, "boarded": self.boarded, "waited_s": self.waited_s}

    def restore(self, saved: dict[str, Any]) -> None:
        self.since_s = {(line, stop): since_s for line, stop, since_s, _ in saved["stops"]}
        self.left = {(line, stop): list(left) for line, stop, _, left in saved["stops"]}
        self.boarded, self.waited_s = saved["boarded"], saved["waited_s"]
