"""The city's privacy tools, wired."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from madang.base.city import CityConfig
from madang.base.clock import SystemClock
from madang.people.privacy import Privacy
from madang.trust.privacy.coarsen import EQUAL_AREA, utm_of
from madang.trust.privacy.ledger import Ledger


def open_privacy(pool: Any, city: CityConfig) -> Privacy:
    """The city's privacy tools; without a bounding box places are told in the world's equal-area grid."""
    west, south, east, north = city.bbox or (0.0, 0.0, 0.0, 0.0)
    around = utm_of((west + east) / 2, (south + north) / 2) if city.bbox else EQUAL_AREA
    clock = SystemClock()
    return Privacy(Ledger(pool, city.privacy.budgets), city.privacy.cell_epsg or around, ZoneInfo(city.timezone), clock)
