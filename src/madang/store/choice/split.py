"""Sharing areas out among apps by lot: repeatable by its seed, and fair in what each gets. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from madang.base.errors import BadRequest
from madang.base.limits import STORE_APPS_OF_SERVICE_MAX, STORE_AREAS_MAX


def shared_out(areas: Mapping[str, float], apps: Sequence[str], seed: int) -> dict[str, str]:
    """App by area. `areas`: how much each is (its size, its traffic), above 0. The largest are given first, each to whoever has least so
    far, and chance decides what is equal: so no app has more than the largest area beyond any other, and which halves of the city it
    gets is nobody's choice. Raises BadRequest."""
    if not 1 <= len(apps) <= STORE_APPS_OF_SERVICE_MAX or len(set(apps)) != len(apps):
        raise BadRequest(f"one to {STORE_APPS_OF_SERVICE_MAX} different apps share a service", reason="choice_apps")
    if not len(apps) <= len(areas) <= STORE_AREAS_MAX or any(size <= 0 for size in areas.values()):
        raise BadRequest("each app needs an area at least, and each area a size above 0", reason="choice_areas")
    chance = Random(seed)
    drawn = {name: chance.random() for name in sorted(areas)}
    order = sorted(areas, key=lambda name: (-areas[name], drawn[name]))
    held = dict.fromkeys(sorted(apps), 0.0)
    out: dict[str, str] = {}
    for name in order:
        lots = {app: chance.random() for app in held}
        app = min(held, key=lambda one: (held[one], lots[one]))
        held[app] += areas[name]
        out[name] = app
    return out
