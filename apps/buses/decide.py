"""How long a vehicle should wait at its stop so that the line runs evenly. Pure.

It should leave between the one ahead and the one behind. Following both neighbours rather than a timetable needs no slack
(Daganzo and Pilachowski 2011; Cats, Larijani, Koutsopoulos and Burghout 2011; Bartholdi and Eisenstein 2012): who is early
waits, nobody is hurried. Waiting is worth less the less of the line is left, and the more are aboard who wait with it; a few
seconds are not worth telling a driver.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    """All numbers of the method. `ahead` weighs who is ahead against who is behind; `pull` how much the planned headway
    counts beside the headways of now; `end` what of a wait's worth is gone at the line's end; `per_rider_s` is taken off
    for each passenger aboard. Advice under `least_s` is none, `most_s` bounds it."""

    ahead: float = 0.5
    pull: float = 5.0
    end: float = 0.1
    per_rider_s: float = 0.07
    least_s: float = 10.0
    most_s: float = 60.0


@dataclass(frozen=True)
class Standing:
    """A vehicle that could leave its stop now. `ahead_s`, `behind_s`: its headways if it did (None where nobody is);
    `headway_s`: the planned one; `done`: the share of the line behind it, 0 to 1; `riders` aboard."""

    ahead_s: float | None
    behind_s: float | None
    headway_s: float
    done: float = 0.0
    riders: float = 0.0


def hold_s(standing: Standing, rules: Rules) -> float:
    """Seconds to wait, 0 or `least_s` to `most_s`. With nobody ahead or nobody behind it goes: there is nothing to even out."""
    if standing.ahead_s is None or standing.behind_s is None:
        return 0.0
    worth = 1 - rules.end * standing.done
    wait_s = worth * _even_s(standing, standing.ahead_s, standing.behind_s, rules) - rules.per_rider_s * standing.riders
    return min(wait_s, rules.most_s) if wait_s >= rules.least_s else 0.0


def _even_s(standing: Standing, ahead_s: float, behind_s: float, rules: Rules) -> float:
    """When it would be one headway behind the one and before the other, as far as both can be had; from now."""
    now_s = (ahead_s + behind_s) / 2
    headway_s = (now_s + rules.pull * standing.headway_s) / (1 + rules.pull)
    return (rules.ahead * (headway_s - ahead_s) + behind_s - headway_s) / (1 + rules.ahead)
