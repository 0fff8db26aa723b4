"""The score of an app: what changed for people, and what it cost, seed by seed. Pure.

Differences are with the app less without it, paired by seed; the interval is Student's at 95 % over seeds.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from madang.store.testbed.arms import Arm, Measure, Scorer

FORMAT = 1
DIGITS = 6
# Two-sided 95 % quantiles of Student's t for 1, 2, ... degrees of freedom.
T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
Pair = tuple[Arm, Arm]
"""Without and with the app."""


def score_of(
    app: Mapping[str, Any], trial: Mapping[str, Any], scorer: Scorer, pairs: Mapping[int, Pair]
) -> dict[str, Any]:
    """`app`: id, version, sha256; `trial`: kind, city, minutes, versions; `pairs` by seed. Whole and plain, to be signed."""
    found = {seed: (scorer.values(a), scorer.values(b)) for seed, (a, b) in sorted(pairs.items())}
    return {
        "format": FORMAT,
        **app,
        **trial,
        "simulated": True,
        "seeds": sorted(pairs),
        "for_people": [_row(measure, found) for measure in scorer.measures],
        "costs": _costs([pair[1] for _, pair in sorted(pairs.items())]),
    }


def _row(
    measure: Measure, found: Mapping[int, tuple[Mapping[str, float | None], Mapping[str, float | None]]]
) -> dict[str, Any]:
    both = {seed: (a.get(measure.name), b.get(measure.name)) for seed, (a, b) in found.items()}
    told = [(a, b) for a, b in both.values() if a is not None and b is not None]
    return {
        "measure": measure.name,
        "unit": measure.unit,
        "better": measure.better,
        "without": _mean([a for a, _ in both.values() if a is not None]),
        "with": _mean([b for _, b in both.values() if b is not None]),
        "difference": difference([b - a for a, b in told]),
        "by_seed": [{"seed": seed, "without": _round(a), "with": _round(b)} for seed, (a, b) in both.items()],
    }


def difference(differences: Sequence[float]) -> dict[str, float | None]:
    """Mean, and the interval where there are seeds enough to have one."""
    if not differences:
        return {"mean": None, "low": None, "high": None}
    mean, more = statistics.fmean(differences), len(differences) - 1
    if not more:
        return {"mean": _round(mean), "low": None, "high": None}
    half = T95[min(more, len(T95)) - 1] * statistics.stdev(differences) / (len(differences) ** 0.5)
    return {"mean": _round(mean), "low": _round(mean - half), "high": _round(mean + half)}


def _costs(arms: Sequence[Arm]) -> list[dict[str, Any]]:
    """Means over seeds, but for memory, of which it is the most."""
    known = [arm.cost for arm in arms if arm.cost is not None]
    names = sorted({name for cost in known for name in cost.commands})
    uses = sorted({name for cost in known for name in cost.uses})
    rows: list[tuple[str, str, float | None]] = [
        ("cpu", "s", _mean([cost.cpu_s for cost in known])),
        ("memory", "B", float(max((cost.memory_bytes for cost in known), default=0))),
        *((f"commands_{name}", "1", _mean([cost.commands.get(name, 0) for cost in known])) for name in names),
        *((name, "1", _mean([cost.uses.get(name, 0) for cost in known])) for name in uses),
    ]
    return [{"measure": name, "unit": unit, "value": value} for name, unit, value in rows]


def _mean(values: Sequence[float]) -> float | None:
    return _round(statistics.fmean(values)) if values else None


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)
