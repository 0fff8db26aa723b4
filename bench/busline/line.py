"""One line, one direction: buses, stops, and each passenger by name. Same seed, same passengers and same streets for every
control, so that a difference is the control's."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import NamedTuple

RIDE_STOPS = 8  # a passenger rides 1 to 8 stops


@dataclass(frozen=True)
class Setting:
    """Times in s. The usual of the field: 5 minutes of headway, 30 stops, streets that vary by a fifth, a busy middle."""

    stops: int = 30
    buses: int = 70
    headway_s: float = 300.0
    run_s: float = 90.0
    run_sd_s: float = 18.0
    start_sd_s: float = 30.0
    board_s: float = 3.0
    alight_s: float = 1.6
    door_s: float = 8.0
    capacity: int = 90
    riders_per_min: float = 1.27
    broken: int | None = None  # this bus stands for ten minutes at a third of the way
    cancelled: int | None = None  # this one never leaves

    def rate_per_s(self, stop: int) -> float:
        """Passengers who come to a stop; the last has none, the middle most."""
        if stop >= self.stops - 1:
            return 0.0
        return self.riders_per_min / 60 * (0.5 + 1.2 * math.sin(math.pi * (stop + 1) / (self.stops + 1)))


class Rider(NamedTuple):
    came_s: float
    to: int


@dataclass
class Bus:
    """`arrived_s`, `left_s`: by stop, as far as it has come."""

    number: int
    arrived_s: list[float] = field(default_factory=list)
    left_s: list[float] = field(default_factory=list)
    aboard: list[int] = field(default_factory=list)
    held_s: float = 0.0
    full: int = 0


@dataclass
class Street:
    """What every control meets alike."""

    setting: Setting
    run_s: list[list[float]]
    start_s: list[float]
    riders: list[list[Rider]]


def make_street(setting: Setting, seed: int) -> Street:
    """Drawn by stop and bus from streams of their own: a longer line has the same beginning."""
    return Street(
        setting, _runs(setting, seed), _starts(setting, seed), [_riders(setting, seed, s) for s in range(setting.stops)]
    )


def _runs(setting: Setting, seed: int) -> list[list[float]]:
    shape, scale = (setting.run_s / setting.run_sd_s) ** 2, setting.run_sd_s**2 / setting.run_s
    rng = random.Random(f"{seed}:run")
    runs = [[rng.gammavariate(shape, scale) for _ in range(setting.stops)] for _ in range(setting.buses)]
    if setting.broken is not None:
        runs[setting.broken][setting.stops // 3] += 600.0
    return runs


def _starts(setting: Setting, seed: int) -> list[float]:
    rng, start_s, last_s = random.Random(f"{seed}:start"), [], -math.inf
    for number in range(setting.buses):
        meant_s = number * setting.headway_s + max(-90.0, min(90.0, rng.gauss(0, setting.start_sd_s)))
        last_s = max(meant_s, last_s + 10)
        start_s.append(last_s)
    return start_s


def _riders(setting: Setting, seed: int, stop: int) -> list[Rider]:
    rate, rng = setting.rate_per_s(stop), random.Random(f"{seed}:riders:{stop}")
    # The last bus is there long before this; who comes before the first bus has been waiting since the last of before.
    clock_s, end_s = stop * setting.run_s - setting.headway_s, (setting.buses + setting.stops) * setting.headway_s
    found: list[Rider] = []
    while rate and (clock_s := clock_s + rng.expovariate(rate)) < end_s:
        found.append(Rider(clock_s, min(setting.stops - 1, stop + rng.randint(1, RIDE_STOPS))))
    return found
