"""How much an app asks of a city's trust: 6 asks little, 1 asks a lot. Computed, never claimed. Pure.

Everybody starts at 6. Points are taken off: 1 for what people agree to show, and 1 more when it is kept for longer than a year; 1 for
commands; 1 for hosts outside of the city, and 1 more when it reads people too; 1 for reading whole types rather than attributes of
them, anywhere in the city; 1 when the city knows nothing of its publisher; and for each level that its sandbox lacks 1. The model is
Home Assistant's rating of add-ons.
"""

from __future__ import annotations

from dataclasses import dataclass

from madang.runtime.manifest import Manifest
from madang.runtime.sandbox import LEVEL_MAX, level_for

BEST, WORST = 6, 1
LONG_DAYS = 365


@dataclass(frozen=True)
class Rating:
    """`reasons`: each a word and the points it took off."""

    score: int
    reasons: tuple[tuple[str, int], ...]


def rate(manifest: Manifest, level: int, verified: bool) -> Rating:
    """`level`: of the sandbox that this machine has; `verified`: its publisher is who they say."""
    actions = {scope.action for scope in manifest.scopes}
    kept = [one.retention_days for one in manifest.people]
    kept += [scope.retention_days for scope in manifest.scopes if scope.retention_days is not None]
    broad = any(s.action == "read" and s.attributes is None and not s.area for s in manifest.scopes)
    found = (
        ("personal", int(bool(manifest.people))),
        ("kept_long", int(any(days > LONG_DAYS for days in kept))),
        ("commands", int("command" in actions)),
        ("egress", int(bool(manifest.egress))),
        ("people_outside", int(bool(manifest.egress) and bool(manifest.people))),
        ("broad", int(broad)),
        ("unverified", int(not verified)),
        ("sandbox", max(0, LEVEL_MAX - level_for(manifest.entry, level))),
    )
    reasons = tuple((word, points) for word, points in found if points)
    return Rating(max(WORST, BEST - sum(points for _, points in reasons)), reasons)
