"""The weather of a day: a smooth function of seed and time, so it needs no state and survives restarts. Pure."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Weather:
    """°C, mm/h, m/s, share 0..1."""

    temperature: float
    precipitation: float
    wind_mps: float
    humidity: float


def weather_at(seed: int, now_s: float, rain_mm_h: float = 0.0) -> Weather:
    """Weather at a simulated second of the day; rain comes only by injection and cools and moistens the air."""
    hours = now_s / 3600.0
    day = math.sin((hours - 9.0) / 24.0 * 2 * math.pi)
    wet = min(1.0, rain_mm_h / 4.0)
    temperature = 12.0 + 5.0 * day + smooth(seed, "t", hours * 2) - 2.5 * wet
    wind = max(0.2, 4.0 + 1.5 * smooth(seed, "w", hours * 4) + 1.5 * wet)
    humidity = min(0.99, max(0.25, 0.68 - 0.15 * day + 0.05 * smooth(seed, "h", hours * 2) + 0.25 * wet))
    rain = max(0.0, rain_mm_h * (1.0 + 0.2 * smooth(seed, "r", hours * 12)))
    return Weather(round(temperature, 1), round(rain, 1), round(wind, 1), round(humidity, 3))


def smooth(seed: int, name: str, position: float) -> float:
    """Value noise in -1..1: random numbers at whole positions, joined smoothly."""
    low = math.floor(position)
    part = position - low
    part = part * part * (3 - 2 * part)
    a, b = (random.Random(f"{seed}/{name}/{at}").uniform(-1, 1) for at in (low, low + 1))
    return a * (1 - part) + b * part
