"""Who drives when: a pure function of (network folder, seed, time of day) to SUMO route elements.

Each minute of the day draws from its own random stream, so a file that starts at 07:30 holds exactly the vehicles that
a whole-day file of the same seed has from 07:30 on, and an hour more changes nothing before it.
"""

from __future__ import annotations

import json
import math
import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, TextIO
from xml.sax.saxutils import quoteattr

ON_FOOT = "pedestrian"
WALK_MPS, WALK_SPREAD_MPS, WALK_RANGE_MPS = 1.34, 0.26, (0.7, 2.0)  # Weidmann 1993
MINUTE_S = 60
DAY_S = 86_400


@dataclass(slots=True, frozen=True)
class Departure:
    """One vehicle or person: `depart_s` counts from local midnight. `speed_mps` is a person's."""

    depart_s: float
    id: str
    kind: str
    route: str
    stops: tuple[str, ...] = ()
    dwell_s: float = 0.0
    line: str = ""
    speed_mps: float = 0.0


def load_demand(net_dir: Path) -> dict[str, Any]:
    """The demand the import made: `modes` (pools by mode), `lines`, `profile`, `peak_per_h`, `types`."""
    with (net_dir / "demand" / "demand.json").open(encoding="utf-8") as file:
        loaded: dict[str, Any] = json.load(file)
    return loaded


def write(
    net_dir: Path | str, out_path: Path | str, seed: int, start_s: int, duration_s: int, scale: float = 1.0
) -> dict[str, int]:
    """Writes a SUMO route file for [start_s, start_s + duration_s) after local midnight; gives vehicles by mode.

    `scale` multiplies cars, bicycles and pedestrians; lines run by their timetable whatever it is.
    """
    demand = load_demand(Path(net_dir))
    departures = sorted(departures_of(demand, seed, start_s, duration_s, scale), key=lambda d: (d.depart_s, d.id))
    target = Path(out_path)
    part = target.with_suffix(target.suffix + ".part")
    with part.open("w", encoding="utf-8") as file:
        _write_file(file, demand, departures)
    part.replace(target)
    counts: dict[str, int] = {}
    for departure in departures:
        counts[departure.kind] = counts.get(departure.kind, 0) + 1
    return counts


def departures_of(
    demand: dict[str, Any], seed: int, start_s: int, duration_s: int, scale: float
) -> Iterator[Departure]:
    """All departures in the window, mode by mode."""
    end_s = start_s + duration_s
    for mode in sorted(demand["modes"]):
        yield from trips_of(demand, mode, seed, start_s, end_s, scale)
    for line in demand["lines"]:
        yield from runs_of(line, demand["profile"], seed, start_s, end_s)


def trips_of(
    demand: dict[str, Any], mode: str, seed: int, start_s: int, end_s: int, scale: float
) -> Iterator[Departure]:
    """Departures of a private mode: a Poisson number in each minute, spread over it, on routes drawn by weight."""
    pool = demand["modes"][mode]
    ladder = list(accumulate(pool["weights"]))
    if not ladder:
        return
    for minute in range(start_s // MINUTE_S, math.ceil(end_s / MINUTE_S)):
        rng = random.Random(f"{seed}:{mode}:{minute}")
        factor = factor_at(demand["profile"]["private"][mode], minute * MINUTE_S)
        for number in range(poisson(rng, demand["peak_per_h"][mode] * factor * scale / 60)):
            depart = round(minute * MINUTE_S + rng.random() * MINUTE_S, 1)
            route = min(bisect_right(ladder, rng.random() * ladder[-1]), len(ladder) - 1)
            speed = _walking_mps(rng) if mode == ON_FOOT else 0.0
            if start_s <= depart < end_s:
                yield Departure(depart, f"{mode}-{minute}-{number}", mode, f"{mode}{route}", speed_mps=speed)


def _walking_mps(rng: random.Random) -> float:
    low, high = WALK_RANGE_MPS
    return round(min(high, max(low, rng.gauss(WALK_MPS, WALK_SPREAD_MPS))), 2)


def runs_of(line: dict[str, Any], profile: dict[str, Any], seed: int, start_s: int, end_s: int) -> Iterator[Departure]:
    """Departures of one line: its headway by the hour, an own offset, and a minute's spread by seed."""
    minute_of_line = random.Random(line["id"]).random()
    clock, number = (start_s // DAY_S) * DAY_S, 0
    while clock < end_s:
        hour = int(clock % DAY_S // 3600)
        headway = profile["lines"][line["service"]][hour] * line.get("headway_factor", 1.0)
        if headway <= 0:
            clock = (clock // 3600 + 1) * 3600
            continue
        rng = random.Random(f"{seed}:{line['id']}:{int(clock)}")
        depart = round(clock + minute_of_line * headway + rng.uniform(0, 60), 1)
        if start_s <= depart < end_s:
            dwell = round(rng.uniform(12, 26), 1)
            stops = tuple(line["stops"])
            yield Departure(
                depart, f"{line['id']}-{int(clock)}", line["mode"], f"line{line['id']}", stops, dwell, line["line"]
            )
        clock += headway
        number += 1


def factor_at(curve: list[float], second: float) -> float:
    """A day's curve of 24 hourly values (at each hour's middle), joined by straight lines."""
    place = (second % DAY_S) / 3600 - 0.5
    low = math.floor(place)
    part = place - low
    return curve[low % 24] * (1 - part) + curve[(low + 1) % 24] * part


def poisson(rng: random.Random, mean: float) -> int:
    """A Poisson number (Knuth below 30, a rounded normal above)."""
    if mean > 30:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


def _write_file(file: TextIO, demand: dict[str, Any], departures: list[Departure]) -> None:
    file.write("<routes>\n")
    for name, told in demand["types"].items():
        file.write(f'  <vType id="{name}" {" ".join(f"{k}={quoteattr(str(v))}" for k, v in told.items())}/>\n')
    used = {departure.route for departure in departures}
    walks = {f"{ON_FOOT}{n}": edges for n, edges in enumerate(demand["modes"].get(ON_FOOT, {}).get("routes", []))}
    for mode, pool in demand["modes"].items():
        for number, edges in enumerate(pool["routes"]):
            if mode != ON_FOOT and f"{mode}{number}" in used:
                file.write(f'  <route id="{mode}{number}" edges="{edges}"/>\n')
    for line in demand["lines"]:
        if f"line{line['id']}" in used:
            file.write(f'  <route id="line{line["id"]}" edges="{line["edges"]}"/>\n')
    for departure in departures:
        file.write(_person(departure, walks) if departure.kind == ON_FOOT else _vehicle(departure))
    file.write("</routes>\n")


def _vehicle(d: Departure) -> str:
    lane = "best" if d.kind != "tram" else "first"
    head = f'<vehicle id="{d.id}" type="{d.kind}" route="{d.route}" depart="{d.depart_s:.1f}" departLane="{lane}"'
    speed = ' departSpeed="max"' if not d.stops else ""
    if not d.line:
        return f"  {head}{speed}/>\n"
    stops = "".join(f'<stop busStop="{stop}" duration="{d.dwell_s}"/>' for stop in d.stops)
    return f"  {head} line={quoteattr(d.line)}>{stops}</vehicle>\n"


def _person(d: Departure, walks: dict[str, str]) -> str:
    walk = f'<walk edges="{walks[d.route]}" speed="{d.speed_mps}"/>'
    return f'  <person id="{d.id}" type="{d.kind}" depart="{d.depart_s:.1f}">{walk}</person>\n'
