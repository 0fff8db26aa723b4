"""How well people hide in a table: k-anonymity (Sweeney), l-diversity (Machanavajjhala), t-closeness (Li), and what to coarsen. Pure.

Own code: the library for it (pycanon) pins numpy, pandas and scipy to one version each, which a city's environment cannot follow. Its
figures are the oracle of the tests.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from madang.base.errors import BadRequest

Columns = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Step:
    """Coarsening `column` as far as leaving it out gives classes of at least `k` rows; `small` rows are in classes below the wish."""

    column: str
    k: int
    small: int


@dataclass(frozen=True)
class Anonymity:
    """`k`: rows of the smallest class that looks the same; `l`, `t` by sensitive column: the fewest values in a class, the furthest
    distance (0 to 1) of a class from the whole. `small`: rows in classes below the wished k. `coarsen`: what to coarsen, in this
    order, until the wish is met; empty when it is."""

    k: int
    l: dict[str, int]  # noqa: E741 - the name of the field's standard term
    t: dict[str, float]
    small: int
    coarsen: tuple[Step, ...]


def assess(table: Columns, quasi: Sequence[str], sensitive: Sequence[str], wish_k: int) -> Anonymity:
    """`quasi`: columns that somebody may know of a person from elsewhere. Raises BadRequest for a table without rows, with columns of
    different lengths, or without one that is named."""
    rows = _check(table, [*quasi, *sensitive])
    classes = _classes(table, quasi, rows)
    return Anonymity(
        _smallest(classes),
        {name: min(len({table[name][row] for row in one}) for one in classes) for name in sensitive},
        {name: _closeness(table[name], classes) for name in sensitive},
        _small(classes, wish_k),
        _suggest(table, list(quasi), rows, wish_k),
    )


def _check(table: Columns, names: Sequence[str]) -> int:
    missing = [name for name in names if name not in table]
    lengths = {len(column) for column in table.values()}
    if missing:
        raise BadRequest(f"the table has no column {', '.join(missing)}")
    if len(lengths) != 1 or 0 in lengths:
        raise BadRequest("columns have the same number of rows, at least one")
    return lengths.pop()


def _classes(table: Columns, quasi: Sequence[str], rows: int) -> list[list[int]]:
    found: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for row in range(rows):
        found[tuple(table[name][row] for name in quasi)].append(row)
    return list(found.values())


def _smallest(classes: list[list[int]]) -> int:
    return min(map(len, classes))


def _small(classes: list[list[int]], k: int) -> int:
    return sum(len(one) for one in classes if len(one) < k)


def _suggest(table: Columns, quasi: list[str], rows: int, wish_k: int) -> tuple[Step, ...]:
    """Greedy: each time the column whose coarsening leaves the fewest rows in small classes."""
    steps: list[Step] = []
    while quasi and _smallest(_classes(table, quasi, rows)) < wish_k:
        tried = []
        for name in quasi:
            classes = _classes(table, [other for other in quasi if other != name], rows)
            tried.append(Step(name, _smallest(classes), _small(classes, wish_k)))
        best = min(tried, key=lambda step: (step.small, -step.k, step.column))
        steps.append(best)
        quasi = [name for name in quasi if name != best.column]
    return tuple(steps)


def _closeness(values: Sequence[Any], classes: list[list[int]]) -> float:
    """The earth mover's distance: over the order of numbers, or one for any two other values."""
    is_number = all(isinstance(one, int | float) and not isinstance(one, bool) for one in values)
    order = sorted(set(values), key=None if is_number else repr)
    whole = _shares(Counter(values), len(values), order)
    measure = _over_order if is_number else _apart
    return max(measure(whole, _shares(Counter(values[row] for row in one), len(one), order)) for one in classes)


def _shares(counts: Counter[Any], total: int, order: list[Any]) -> list[float]:
    return [counts[value] / total for value in order]


def _over_order(one: list[float], other: list[float]) -> float:
    gaps = accumulate(a - b for a, b in zip(one, other, strict=True))
    return sum(map(abs, gaps)) / max(1, len(one) - 1)


def _apart(one: list[float], other: list[float]) -> float:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / 2
