"""The test of a rule as a picture: the values of one entity, the limit, and when it would have been an alarm. Pure.

The same alarms stand beside it in a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from madang.base.clock import from_iso
from madang.operations.rules.rule import Forecast, Rule, Threshold, parts_of

WIDTH, HEIGHT, EDGE = 640, 180, 10


def chart(rule: Rule, test: Mapping[str, Any]) -> dict[str, Any] | None:
    """None where no value was heard. Coordinates of an SVG of WIDTH by HEIGHT."""
    name, points = next(((name, told) for name, told in test["points"].items() if told), ("", []))
    if not points:
        return None
    times: list[float] = [from_iso(at).timestamp() for at, _ in points]
    first, last = times[0], max(from_iso(test["until"]).timestamp(), times[0] + 1)
    limits = [one.limit for one in parts_of(rule) if isinstance(one, Threshold | Forecast) and one.attribute == name]
    least = min([value for _, value in points] + limits)
    most = max([value for _, value in points] + limits)

    def x(at: float) -> float:
        return round(EDGE + (at - first) / (last - first) * (WIDTH - 2 * EDGE), 1)

    def y(value: float) -> float:
        return round(HEIGHT - EDGE - float(value - least) / ((most - least) or 1) * (HEIGHT - 2 * EDGE), 1)

    spans = [
        (x(from_iso(began).timestamp()), x(from_iso(ended or test["until"]).timestamp()))
        for entity, began, ended in test["alarms"]
        if entity == test["shown"]
    ]
    return {
        "attribute": name,
        "line": " ".join(f"{x(at)},{y(value)}" for at, (_, value) in zip(times, points, strict=True)),
        "limits": [(y(one), one) for one in limits],
        "spans": [(left, max(2.0, round(right - left, 1))) for left, right in spans],
        "least": least,
        "most": most,
        "width": WIDTH,
        "height": HEIGHT,
    }
