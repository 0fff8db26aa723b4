"""A rule as its form sends it."""

from __future__ import annotations

DUST = {"name": "먼지", "type": "AirQualityObserved", "kind": "air", "severity": "high", "for": "10"}
LIMIT = {"condition": "threshold", "attribute": "pm25", "side": "above", "limit": "75", "clear": "60"}
