"""Who should wait now, and when vehicles come: beliefs -> advice and arrivals. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .decide import Rules, Standing, hold_s
from .model import Fleet, Line, Vehicle
from .profile import Seen

ASK_MAX_S = 90.0  # what the command room lets a driver be asked


@dataclass(frozen=True)
class Advice:
    """`vehicle` should leave `stop` at `leaves_s`; `wait_s` of that is for the line's sake. Headways in s if it went at once."""

    vehicle: str
    line: str
    stop: str
    at_s: float
    leaves_s: float
    wait_s: float
    ahead_s: float
    behind_s: float


@dataclass(frozen=True)
class Arrival:
    """The next vehicle of a line at a stop."""

    line: str
    stop: str
    vehicle: str
    at_s: float


def around(
    line: Line, vehicle: Vehicle, behind: Vehicle | None, now_s: float
) -> tuple[float, float | None, float | None]:
    """When the doors of a standing vehicle can close, and its headways ahead and behind if it left then. Who is not on the road
    yet is believed to start in time, where the line's headway is known."""
    stop, profile = vehicle.seen.stop, line.profile
    ready_s = profile.leaves_s(vehicle.seen, stop, now_s)
    before = [when for when, who in line.passed[stop] if who != vehicle.id]
    seen = behind.seen if behind else _next_start(line, ready_s if stop == 0 else None, now_s)
    behind_s = profile.leaves_s(seen, stop, now_s) - ready_s if seen else None
    return ready_s, ready_s - before[-1] if before else None, behind_s


def _next_start(line: Line, last_s: float | None, now_s: float) -> Seen | None:
    """The next vehicle at the first stop, a headway after the last one left or will leave (`last_s`)."""
    left = line.passed[0][-1][0] if line.passed[0] else None
    last_s = left if last_s is None else last_s
    if last_s is None or line.headway_s is None:
        return None
    return Seen(0, max(last_s + line.headway_s, now_s), has_left=True)


def advice(fleet: Fleet, now_s: float, rules: Rules) -> Iterator[Advice]:
    """For each vehicle that came to a stop and had no advice there yet. Marks them as looked at."""
    for line in fleet.lines.values():
        row = fleet.on(line.id)
        for index, vehicle in enumerate(row):
            if vehicle.seen.has_left or vehicle.looked_at == vehicle.seen.stop:
                continue
            vehicle.looked_at = vehicle.seen.stop
            found = _advice(line, vehicle, row[index + 1] if index + 1 < len(row) else None, now_s, rules)
            if found is not None:
                vehicle.held = True
                yield found


def _advice(line: Line, vehicle: Vehicle, behind: Vehicle | None, now_s: float, rules: Rules) -> Advice | None:
    ready_s, ahead_s, behind_s = around(line, vehicle, behind, now_s)
    if line.headway_s is None:
        return None
    stop = vehicle.seen.stop
    done = stop / max(1, len(line.stops) - 1)
    wait_s = hold_s(Standing(ahead_s, behind_s, line.headway_s, done, vehicle.riders), rules)
    leaves_s = min(ready_s + wait_s, now_s + ASK_MAX_S)
    if not wait_s or ahead_s is None or behind_s is None:
        return None
    wait_s = max(0.0, leaves_s - ready_s)
    return Advice(vehicle.id, line.id, line.stops[stop], now_s, leaves_s, wait_s, ahead_s, behind_s)


def arrivals(fleet: Fleet, now_s: float) -> Iterator[Arrival]:
    """For each stop of each line the next vehicle that is on the road; who stands there is there."""
    for line in fleet.lines.values():
        row = fleet.on(line.id)
        for number, stop in enumerate(line.stops):
            coming = [
                one for one in row if one.seen.stop < number or (one.seen.stop == number and not one.seen.has_left)
            ]
            if coming:
                at_s = now_s if coming[0].seen.stop == number else line.profile.arrives_s(coming[0].seen, number, now_s)
                yield Arrival(line.id, stop, coming[0].id, max(now_s, at_s))
