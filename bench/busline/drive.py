"""One run of a line: events by time, each passenger boarded in turn."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import NamedTuple

from bench.busline.line import Bus, Street


class Moment(NamedTuple):
    """A bus could leave its stop now. `buses` are all of the line in order; some are not there yet."""

    now_s: float
    index: int
    stop: int
    buses: list[Bus]

    @property
    def bus(self) -> Bus:
        return self.buses[self.index]


Control = Callable[[Moment], float]
"""Seconds to wait at the stop; 0 or less is none."""


class Boarded(NamedTuple):
    """One passenger at one stop."""

    bus: int
    came_s: float


class Drive:
    """Nobody overtakes: who comes while the one before stands waits behind it."""

    def __init__(self, street: Street, control: Control) -> None:
        setting = street.setting
        self.street, self.control, self.setting = street, control, setting
        self.buses = [Bus(number) for number in range(setting.buses) if number != setting.cancelled]
        self.next_rider = [0] * setting.stops
        self.boarded: list[list[Boarded]] = [[] for _ in range(setting.stops)]
        self.behind: dict[tuple[int, int], int] = {}
        self.events: list[tuple[float, int, int, int, str]] = []

    def run(self) -> Drive:
        """Until the last bus is at the last stop."""
        for index, bus in enumerate(self.buses):
            self._at(self.street.start_s[bus.number], index, 0, "come")
        while self.events:
            now_s, index, stop, _, what = heappop(self.events)
            getattr(self, f"_{what}")(now_s, index, stop)
        return self

    def _at(self, when_s: float, index: int, stop: int, what: str) -> None:
        heappush(self.events, (when_s, index, stop, len(self.events), what))

    def _come(self, now_s: float, index: int, stop: int) -> None:
        if index and len(self.buses[index - 1].left_s) <= stop:
            self.behind[index - 1, stop] = index
            return
        bus = self.buses[index]
        bus.arrived_s.append(now_s)
        staying = [to for to in bus.aboard if to != stop]
        off_s = (len(bus.aboard) - len(staying)) * self.setting.alight_s
        bus.aboard = staying
        stay_s = max(off_s, self._board(bus, stop, now_s))
        self._at(now_s + stay_s + (self.setting.door_s if stay_s else 0.0), index, stop, "ready")

    def _board(self, bus: Bus, stop: int, now_s: float, until_s: float | None = None) -> float:
        """Seconds for who waits and who comes meanwhile; with `until_s` for who comes by then."""
        riders, clock_s = self.street.riders[stop], now_s
        while self.next_rider[stop] < len(riders):
            rider = riders[self.next_rider[stop]]
            if rider.came_s > (clock_s if until_s is None else until_s):
                break
            if len(bus.aboard) >= self.setting.capacity:
                bus.full += 1
                break
            self.boarded[stop].append(Boarded(bus.number, rider.came_s))
            bus.aboard.append(rider.to)
            self.next_rider[stop] += 1
            clock_s += self.setting.board_s
        return clock_s - now_s

    def _ready(self, now_s: float, index: int, stop: int) -> None:
        held_s = (
            max(0.0, self.control(Moment(now_s, index, stop, self.buses))) if stop < self.setting.stops - 1 else 0.0
        )
        self.buses[index].held_s += held_s
        self._board(self.buses[index], stop, now_s, now_s + held_s)
        self._at(now_s + held_s, index, stop, "leave")

    def _leave(self, now_s: float, index: int, stop: int) -> None:
        bus = self.buses[index]
        bus.left_s.append(now_s)
        if (index, stop) in self.behind:
            self._at(now_s, self.behind.pop((index, stop)), stop, "come")
        if stop < self.setting.stops - 1:
            self._at(now_s + self.street.run_s[bus.number][stop], index, stop + 1, "come")
