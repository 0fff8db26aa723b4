"""What the line would be if it ran evenly: the timetable that controls refer to."""

from __future__ import annotations

from functools import cache
from itertools import accumulate

from bench.busline.line import RIDE_STOPS, Setting


@cache
def even_dwell_s(setting: Setting) -> tuple[float, ...]:
    """Mean seconds at each stop with even headways: who boards or who alights, whichever takes longer, and the doors."""
    boards = [setting.rate_per_s(stop) * setting.headway_s for stop in range(setting.stops)]
    off = [0.0] * setting.stops
    for stop, riders in enumerate(boards):
        for step in range(1, RIDE_STOPS + 1):
            off[min(setting.stops - 1, stop + step)] += riders / RIDE_STOPS
    pairs = zip(boards, off, strict=True)
    return tuple(setting.door_s + max(on * setting.board_s, away * setting.alight_s) for on, away in pairs)


@cache
def even_arrival_s(setting: Setting) -> tuple[float, ...]:
    """Seconds from the start to coming to each stop."""
    steps = [dwell + setting.run_s for dwell in even_dwell_s(setting)[:-1]]
    return (0.0, *accumulate(steps))
