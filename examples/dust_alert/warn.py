"""Whom to warn: decided without a city, so that it can be read and tried by itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

LIMIT = 75.0  # µg/m³ of PM2.5: Korea's warning level
NEAR_M = 2_000.0
Shown = Mapping[str, Sequence[Mapping[str, Any]]]


def metres(a: Sequence[float], b: Sequence[float]) -> float:
    """Between two points (longitude, latitude) of one city."""
    return math.hypot((a[0] - b[0]) * 111_320 * math.cos(math.radians(a[1])), (a[1] - b[1]) * 110_540)


def people_near(shown: Shown, station: Sequence[float]) -> dict[str, str]:
    """Phone numbers by pseudonym: of who has asthma, a phone and a place of theirs near the station, and shows us all three."""
    items = {kind: {one["pseudonym"]: list(one["items"].values()) for one in people} for kind, people in shown.items()}
    ill = {who for who, some in items["health"].items() if any(one.get("asthma") for one in some)}
    phones = {who: some[0]["phone"] for who, some in items["contact"].items() if some and "phone" in some[0]}
    near = {who for who, some in items["place"].items() if any(_is_near(one, station) for one in some)}
    return {who: phones[who] for who in sorted(ill & near & phones.keys())}


def _is_near(place: Mapping[str, Any], station: Sequence[float]) -> bool:
    return "location" in place and metres(place["location"]["coordinates"], station) <= NEAR_M


def text(level: float) -> str:
    return f"초미세먼지 {level:.0f} µg/m³: 창을 닫고 마스크를 쓰세요. / Fine dust {level:.0f} µg/m³: close windows, wear a mask."
