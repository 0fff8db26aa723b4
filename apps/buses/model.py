"""What the app believes of the lines and their vehicles. Times are seconds of the city's time (epoch). No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field

from .profile import Profile, Seen, new_profile

STOPPED = "STOPPED_AT"
HEADWAY_LEARN = 0.2
HEADWAY_RANGE_S = (60.0, 3600.0)
PASSED_KEPT = 12


@dataclass
class Vehicle:
    """One bus or tram: what was last seen of it, on which line, and who is aboard."""

    id: str
    line: str
    seen: Seen
    riders: int = 0
    looked_at: int | None = None  # the stop at which it was decided whether it waits
    held: bool = False


@dataclass
class Line:
    """One direction of a line. `passed[n]`: (when, who) left stop n, newest last. `headway_s` is learned at the first stop; None until
    two vehicles left it."""

    id: str
    name: str
    stops: list[str]
    profile: Profile
    headway_s: float | None = None
    passed: list[list[tuple[float, str]]] = field(default_factory=list)

    def left(self, stop: int, when_s: float, vehicle: str) -> None:
        """A vehicle left a stop; at the first one that tells how often the line runs."""
        row = self.passed[stop]
        gap_s = when_s - row[-1][0] if row else 0.0
        if stop == 0 and HEADWAY_RANGE_S[0] <= gap_s <= HEADWAY_RANGE_S[1]:
            known_s = gap_s if self.headway_s is None else self.headway_s
            self.headway_s = known_s + HEADWAY_LEARN * (gap_s - known_s)
        row.append((when_s, vehicle))
        del row[:-PASSED_KEPT]


def make_line(identifier: str, name: str, stops: list[str]) -> Line:
    """A line that nobody was seen on yet."""
    return Line(identifier, name, stops, new_profile(len(stops)), passed=[[] for _ in stops])


@dataclass
class Fleet:
    """All lines and who runs on them."""

    lines: dict[str, Line] = field(default_factory=dict)
    vehicles: dict[str, Vehicle] = field(default_factory=dict)

    def report(self, name: str, line_id: str, stop_id: str, status: str, riders: int, at_s: float) -> None:
        """A vehicle said where it is. What does not fit a known line and stop is not for this app."""
        line = self.lines.get(line_id)
        if line is None or stop_id not in line.stops:
            return
        stop, known = line.stops.index(stop_id), self.vehicles.get(name)
        if known is None or known.line != line_id:
            known = self.vehicles[name] = Vehicle(name, line_id, self._first(stop, status, at_s))
        elif at_s >= known.seen.at_s:
            self._move(line, known, stop, status == STOPPED, at_s)
        known.riders = riders

    def _first(self, stop: int, status: str, at_s: float) -> Seen:
        """Where a vehicle is that was not known before: of one on its way, the stop behind it was left at an unknown time."""
        if status == STOPPED or stop == 0:
            return Seen(stop, at_s, has_left=False)
        return Seen(stop - 1, at_s, has_left=True)

    def _move(self, line: Line, vehicle: Vehicle, stop: int, stands: bool, at_s: float) -> None:
        seen = vehicle.seen
        if stands and stop > seen.stop:
            if seen.has_left and stop == seen.stop + 1:
                line.profile.learn_run(seen.stop, at_s - seen.at_s)
            vehicle.seen = Seen(stop, at_s, has_left=False)
        elif not stands and not seen.has_left:
            if not vehicle.held:
                line.profile.learn_dwell(seen.stop, at_s - seen.at_s)
            line.left(seen.stop, at_s, vehicle.id)
            vehicle.seen, vehicle.held = Seen(seen.stop, at_s, has_left=True), False

    def forget(self, name: str) -> None:
        self.vehicles.pop(name, None)

    def on(self, line: str) -> list[Vehicle]:
        """The vehicles of a line, the furthest first."""
        found = [vehicle for vehicle in self.vehicles.values() if vehicle.line == line]
        return sorted(found, key=lambda one: (-one.seen.stop, -one.seen.has_left, one.seen.at_s, one.id))
