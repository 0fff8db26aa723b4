"""Air, noise and weather stations. Their values follow the simulated traffic near them and the weather.

Air: background (a day's curve with seeded noise) plus a share of what vehicles within `REACH_M` emit (SUMO's HBEFA
factors), thinned by wind and washed by rain. Noise: energy sum of the streets' Harmonoise levels over distance.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from madang.ingest.sumo.weather import Weather, smooth

Point = tuple[float, float]
REACH_M = 120.0
EVERY_S = {"air": 60, "noise": 10, "weather": 60}
# ug/m3 per mg/s of nearby emission at 4 m/s of wind: sets a busy street at its usual roadside increment.
NOX_TO_NO2, PM_TO_PM10, PM_TO_PM25 = 0.12, 1.5, 0.9


@dataclass(frozen=True)
class Station:
    """`near` are edges with their distance in m."""

    id: str
    lon: float
    lat: float
    near: tuple[tuple[str, float], ...]


@dataclass
class Stations:
    """Every station by kind (air, noise, weather), and which kinds somebody has heard."""

    seed: int
    places: Mapping[str, list[Station]]
    told: set[str] = field(default_factory=set)

    def due(self, now_s: int) -> list[str]:
        """Kinds to tell this second: each at its period, and at once what nobody heard."""
        found = [kind for kind, every_s in EVERY_S.items() if now_s % every_s == 0 or kind not in self.told]
        self.told.update(found)
        return found

    def read(self, kind: str, sumo: Any, weather: Weather, now_s: int) -> Iterator[tuple[str, dict[str, float]]]:
        """(station, what it measures and where it stands)."""
        for station in self.places[kind]:
            place = {"lon": station.lon, "lat": station.lat}
            yield station.id, place | _measured(kind, sumo, station, weather, self.seed, now_s)


def _measured(kind: str, sumo: Any, station: Station, weather: Weather, seed: int, now_s: float) -> dict[str, float]:
    if kind == "air":
        return air(sumo, station, weather, seed, now_s)
    if kind == "noise":
        return {"LAeq": noise_level(sumo, station, weather, seed, now_s)}
    return weather_body(weather)


def place_all(wide: Sequence[str], middles: Mapping[str, Point], to_lonlat: Any, seed: int) -> Stations:
    """Air and noise beside the widest edges, weather beside smaller ones. `wide`: edges, widest first."""
    busy = {edge: middles[edge] for edge in wide[:60]}
    quiet = {edge: middles[edge] for edge in wide[60:160] or wide}
    at = {"air": (busy, 4), "noise": (busy, 4), "weather": (quiet, 2)}
    return Stations(seed, {kind: place_stations(edges, to_lonlat, n, seed, kind) for kind, (edges, n) in at.items()})


def place_stations(edges: Mapping[str, Point], to_lonlat: Any, count: int, seed: int, prefix: str) -> list[Station]:
    """Stations beside seeded edges that lie apart; `edges` gives midpoints in metres."""
    rng = random.Random(f"{seed}/{prefix}")
    names = sorted(edges)
    rng.shuffle(names)
    chosen: list[str] = []
    for name in names:
        if all(math.dist(edges[name], edges[other]) > 200.0 for other in chosen):
            chosen.append(name)
        if len(chosen) == count:
            break
    found = []
    for number, name in enumerate(chosen, 1):
        lon, lat = to_lonlat(*edges[name])
        near = ((other, math.dist(at, edges[name])) for other, at in sorted(edges.items()))
        close = tuple((other, round(far, 1)) for other, far in near if far <= REACH_M)
        found.append(Station(f"{prefix}-{number}", round(lon, 6), round(lat, 6), close))
    return found


def air(sumo: Any, station: Station, weather: Weather, seed: int, now_s: float) -> dict[str, float]:
    """`pm25`, `pm10`, `no2` in ug/m3."""
    nox = sum(sumo.edge.getNOxEmission(edge) / (1 + far / 40.0) for edge, far in station.near)
    pm = sum(sumo.edge.getPMxEmission(edge) / (1 + far / 40.0) for edge, far in station.near)
    thin = 4.0 / (1.0 + weather.wind_mps) / (1.0 + 0.3 * weather.precipitation)
    noise = smooth(seed, station.id, now_s / 900.0)
    base = 7.0 + 1.5 * noise
    return {
        "pm25": round(max(0.5, (base + PM_TO_PM25 * pm) * min(1.5, thin + 0.2)), 1),
        "pm10": round(max(1.0, (base * 2 + PM_TO_PM10 * pm) * min(1.5, thin + 0.2)), 1),
        "no2": round(max(1.0, 12.0 + 3 * noise + NOX_TO_NO2 * nox * thin), 1),
    }


def noise_level(sumo: Any, station: Station, weather: Weather, seed: int, now_s: float) -> float:
    """`LAeq` in dB(A)."""
    power = 10 ** (4.6 + 0.2 * smooth(seed, station.id, now_s / 60.0)) + 10 ** (4.2 + 0.15 * weather.precipitation)
    for edge, far in station.near:
        level = sumo.edge.getNoiseEmission(edge)
        if level > 0:
            power += 10 ** ((level - 10 * math.log10(max(far, 7.5) / 7.5) - 8.0) / 10)
    return round(10 * math.log10(power), 1)


def weather_body(weather: Weather) -> dict[str, float]:
    return {
        "temperature": weather.temperature,
        "precipitation": weather.precipitation,
        "windSpeed": weather.wind_mps,
        "relativeHumidity": weather.humidity,
    }
