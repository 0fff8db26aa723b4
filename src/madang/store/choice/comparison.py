"""What apps that serve side by side do to a figure, each against its own areas before: differences in differences, judged by the very
lottery that gave out the areas (randomisation inference; Fisher 1935, Rosenbaum 2002). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from madang.store.choice.split import shared_out

DRAWS = 999


@dataclass(frozen=True)
class Reading:
    """One sensor: where it stands, the mean of what it said before and since the choice."""

    area: str
    before: float
    after: float


@dataclass(frozen=True)
class Half:
    """What one app had. `change`: mean over its areas of how the mean of their sensors changed; None without a sensor."""

    app: str
    areas: int
    sensors: int
    before: float | None
    after: float | None
    change: float | None


@dataclass(frozen=True)
class Comparison:
    """`spread`: how far the changes of the apps are apart; `chance`: how often a draw that gave nobody anything else would have set
    them as far apart; None where an app has no sensor. `least`: the smallest chance that so few areas can show."""

    halves: list[Half]
    spread: float | None
    chance: float | None
    least: float


def compare(
    readings: Iterable[Reading], sizes: Mapping[str, float], apps: Sequence[str], served: Mapping[str, str], seed: int
) -> Comparison:
    """`sizes` and `apps` as they were shared out, `served`: app by area, `seed` of the draws. Each area counts once, however many
    sensors stand there."""
    by_area: dict[str, list[Reading]] = {}
    for one in readings:
        if one.area in served:
            by_area.setdefault(one.area, []).append(one)
    halves = [_half(app, [area for area in sorted(served) if served[area] == app], by_area) for app in apps]
    changes = {area: _mean([one.after - one.before for one in found]) for area, found in by_area.items()}
    spread = _spread(changes, served, apps)
    chance = Random(seed)
    drawn = [_spread(changes, shared_out(sizes, apps, chance.getrandbits(62)), apps) for _ in range(DRAWS)]
    known = [one for one in drawn if one is not None]
    if spread is None or not known:
        return Comparison(halves, spread, None, 1.0)
    return Comparison(halves, spread, _share(known, spread), _share(known, max(known)))


def _share(drawn: Sequence[float], spread: float) -> float:
    """With the draw itself counted, so that it is never nothing."""
    return (1 + sum(one >= spread - 1e-12 for one in drawn)) / (1 + len(drawn))


def _half(app: str, areas: Sequence[str], by_area: Mapping[str, list[Reading]]) -> Half:
    own = [by_area[area] for area in areas if area in by_area]
    before = [_mean([one.before for one in found]) for found in own]
    after = [_mean([one.after for one in found]) for found in own]
    if not own:
        return Half(app, len(areas), 0, None, None, None)
    return Half(app, len(areas), sum(map(len, own)), _mean(before), _mean(after), _mean(after) - _mean(before))


def _spread(changes: Mapping[str, float], served: Mapping[str, str], apps: Sequence[str]) -> float | None:
    means = []
    for app in apps:
        own = [changes[area] for area, to in served.items() if to == app and area in changes]
        if not own:
            return None
        means.append(_mean(own))
    return max(means) - min(means)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
