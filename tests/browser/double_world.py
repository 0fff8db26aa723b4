"""A seeded toy city for the page's own tests: streets, sensors, vehicles. Not part of the product."""

from __future__ import annotations

import json
import math
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from double_ground import Line, along, grid, length, urn

START = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)
Entity = dict[str, Any]


class World:
    """What the toy city is at a given second: `entities` holds the truth, `step` returns what changed."""

    def __init__(self, seed: int = 7, cars: int = 120, lines: list[Line] | None = None) -> None:
        self.random = random.Random(seed)
        self.time = START
        self.lines = lines or grid()
        self.entities: dict[str, Entity] = {}
        self.rain = 0.0
        self.trips = 400
        self._fleet: list[dict[str, Any]] = []
        self._place_fixed()
        for kind, count in (("car", cars), ("bus", 12), ("tram", 10), ("bicycle", 20)):
            for number in range(count):
                self._park(kind, number)
        for vehicle in self._fleet:
            self._put(self._vehicle(vehicle))

    def iso(self, ago_s: float = 0) -> str:
        return (self.time - timedelta(seconds=ago_s)).isoformat().replace("+00:00", "Z")

    def seen(self, value: object, unit: str = "", ago_s: float = 0) -> Entity:
        return {"value": value, **({"unitCode": unit} if unit else {}), "observedAt": self.iso(ago_s)}

    def _put(self, entity: Entity) -> Entity:
        self.entities[entity["id"]] = {**self.entities.get(entity["id"], {}), **entity}
        return entity

    def _spot(self, share: float | None = None) -> Entity:
        line = self.random.choice(self.lines)
        lon, lat, _ = along(line, self.random.random() if share is None else share)
        return {"type": "Point", "coordinates": [round(lon, 6), round(lat, 6)]}

    def _place_fixed(self) -> None:
        for i in range(24):
            approaches = [
                {
                    "id": f"a{k}",
                    "name": f"Katu {k}",
                    "heading": 90 * k,
                    "lanes": [{"id": f"a{k}_0", "links": [2 * k, 2 * k + 1]}],
                }
                for k in range(4)
            ]
            self._put(
                {
                    "id": urn("TrafficSignalController", f"c{i}"),
                    "type": "TrafficSignalController",
                    "name": f"Junction {i}",
                    "location": self._spot(),
                    "approaches": {"json": approaches},
                    **self._lamps(i),
                }
            )
            self._put(
                {
                    "id": urn("TrafficFlowObserved", f"loop{i}"),
                    "type": "TrafficFlowObserved",
                    "location": self._spot(),
                    "intensity": self.seen(8 + i),
                    "occupancy": self.seen(round(i / 30, 2)),
                    "averageVehicleSpeed": self.seen(38 - i, "KMH"),
                }
            )
        for i in range(6):
            old = i == 5
            self._put(
                {
                    "id": urn("AirQualityObserved", f"air{i}"),
                    "type": "AirQualityObserved",
                    "name": f"Air {i}",
                    "location": self._spot(),
                    "pm25": self.seen(8 + 17 * i, "GQ", 4e8 if old else 40),
                    "pm10": self.seen(20 + 20 * i, "GQ", 4e8 if old else 40),
                }
            )
        for i in range(4):
            self._put(
                {
                    "id": urn("NoiseLevelObserved", f"noise{i}"),
                    "type": "NoiseLevelObserved",
                    "location": self._spot(),
                    "LAeq": self.seen(52 + 8 * i, "2N", 20),
                }
            )
        self._put(
            {
                "id": urn("WeatherObserved", "w1"),
                "type": "WeatherObserved",
                "name": "Kaisaniemi",
                "location": self._spot(),
                "temperature": self.seen(-2.4, "CEL"),
                "precipitation": self.seen(0.0, "MMT"),
                "windSpeed": self.seen(4.2, "MTS"),
                "relativeHumidity": self.seen(0.81),
            }
        )
        for i in range(14):
            self._put(
                {
                    "id": urn("PublicTransportStop", f"s{i}"),
                    "type": "PublicTransportStop",
                    "name": f"Stop {i}",
                    "transportationType": ["tram" if i % 2 else "bus"],
                    "location": self._spot(),
                }
            )
        for i in range(5):
            self._put(
                {
                    "id": urn("BikeHireDockingStation", f"b{i}"),
                    "type": "BikeHireDockingStation",
                    "name": f"Bikes {i}",
                    "location": self._spot(),
                }
            )
        self._put(
            {
                "id": urn("PointOfInterest", "p1"),
                "type": "PointOfInterest",
                "name": "Kamppi Library",
                "category": "library",
                "location": self._spot(),
            }
        )
        self._put(
            {
                "id": urn("RoadSegment", "r1"),
                "type": "RoadSegment",
                "name": {"languageMap": {"fi": "Mannerheimintie", "sv": "Mannerheimvägen"}},
                "roadClass": "primary",
                "location": {"type": "LineString", "coordinates": self.lines[0]},
            }
        )
        self.kpis(warm=True)

    def adopt(self, path: Path) -> None:
        """Take an import's places instead of the toy ones, and give its controllers and loops something to say."""
        own = {"TrafficSignalController", "TrafficFlowObserved", "PublicTransportStop", "BikeHireDockingStation"}
        self.entities = {i: e for i, e in self.entities.items() if e["type"] not in own}
        for text in path.read_text().splitlines():
            entity = json.loads(text)
            self.entities[entity["id"]] = entity
            if entity["type"] == "TrafficSignalController":
                stages = entity.get("stages", {}).get("json", {}).get("green", [])
                state = self.random.choice(stages)["state"] if stages else "r"
                entity |= {
                    "signalState": self.seen(state),
                    "stage": self.seen(0),
                    "mode": self.seen(self.random.choice(("app", "app", "app", "fixed"))),
                }
            elif entity["type"] == "TrafficFlowObserved":
                share = self.random.random() ** 3
                entity |= {
                    "intensity": self.seen(int(20 * share)),
                    "occupancy": self.seen(round(share, 2)),
                    "averageVehicleSpeed": self.seen(round(45 - 40 * share), "KMH"),
                }

    def _lamps(self, i: int) -> Entity:
        stage = (int(self.time.timestamp()) // 8 + i) % 2
        letters = "GGrrGGrr" if stage == 0 else "rrGGrrGG"
        mode = ("app", "app", "fixed", "fallback")[i % 4] if i != 3 else "fallback"
        return {"signalState": self.seen(letters), "stage": self.seen(stage), "mode": self.seen(mode)}

    def kpis(self, warm: bool = False) -> list[Entity]:
        passed = (self.time - START).total_seconds()
        changed = []
        for name, mean, wobble in (("delay-live", 63.0, 4), ("delay-fixed", 81.0, 3)):
            recent = mean + wobble * math.sin(passed / 37 + len(name))
            changed.append(
                self._put(
                    {
                        "id": urn("KeyPerformanceIndicator", name),
                        "type": "KeyPerformanceIndicator",
                        "kpiValue": self.seen(mean, "SEC"),
                        "delayRecent": self.seen(round(recent, 1), "SEC"),
                        "vehicles": self.seen(int(self.trips + passed / 10)),
                        "running": self.seen(142),
                        "teleports": self.seen(0),
                        "simulatedTime": self.iso(),
                    }
                )
            )
        return changed

    def _park(self, kind: str, number: int) -> None:
        pool = self.lines[: max(4, len(self.lines) // 3)] if kind in ("bus", "tram") else self.lines
        line = pool[number % len(pool)] if kind in ("bus", "tram") else self.random.choice(pool)
        speed = {"car": 9.0, "bus": 7.0, "tram": 8.0, "bicycle": 4.0}[kind] * (0.6 + 0.8 * self.random.random())
        self._fleet.append(
            {
                "kind": kind,
                "n": number,
                "line": line,
                "at": self.random.random(),
                "way": self.random.choice((1, -1)),
                "speed": speed,
            }
        )

    def _vehicle(self, v: dict[str, Any]) -> Entity:
        lon, lat, heading = along(v["line"], v["at"])
        heading = heading if v["way"] > 0 else (heading + 180) % 360
        kind = v["kind"]
        entity = {
            "id": urn("Vehicle", f"{kind}{v['n']}"),
            "type": "Vehicle",
            "vehicleType": kind,
            "heading": round(heading, 1),
            "location": {
                "value": {"type": "Point", "coordinates": [round(lon, 6), round(lat, 6)]},
                "observedAt": self.iso(),
            },
            "speed": self.seen(round(v["speed"] * 3.6, 1), "KMH"),
        }
        if kind in ("bus", "tram"):
            entity |= {
                "line": str(v["n"] % 9 + 1) if kind == "tram" else str(20 + v["n"] % 6),
                "delay": self.seen(10 * (v["n"] % 7) - 20, "SEC"),
            }
        return entity

    def step(self, seconds: float) -> tuple[list[Entity], list[str]]:
        self.time += timedelta(seconds=seconds)
        changed = []
        for v in self._fleet:
            v["at"] += v["way"] * v["speed"] * seconds / max(20.0, length(v["line"]) * 111_000)
            if not 0 <= v["at"] <= 1:
                v["way"], v["at"] = -v["way"], min(1.0, max(0.0, v["at"]))
            changed.append(self._put(self._vehicle(v)))
        for i in range(24):
            lamps = self._lamps(i)
            if urn("TrafficSignalController", f"c{i}") not in self.entities:
                break
            entity = self.entities[urn("TrafficSignalController", f"c{i}")]
            if entity["stage"]["value"] != lamps["stage"]["value"]:
                changed.append(self._put({"id": entity["id"], "type": entity["type"], **lamps}))
        return [*changed, *self.kpis()], []

    def inject(self, kind: str) -> tuple[list[Entity], list[str]]:
        what = kind.split(".")[-1]
        names = {"accident": "RoadAccident", "event": "Event"}
        if what in names:
            local = f"{what}{sum(e['type'] == names[what] for e in self.entities.values())}"
            return [
                self._put(
                    {
                        "id": urn(names[what], local),
                        "type": names[what],
                        "status": "onGoing",
                        "description": f"Injected {what}",
                        "location": self._spot(0.5),
                    }
                )
            ], []
        weather = self.entities[urn("WeatherObserved", "w1")]
        self.rain = 4.0 if what == "rain" else 0.0
        changed = [
            self._put({"id": weather["id"], "type": weather["type"], "precipitation": self.seen(self.rain, "MMT")})
        ]
        gone = [i for i, e in self.entities.items() if what == "clear" and e["type"] in names.values()]
        for i in gone:
            del self.entities[i]
        return changed, gone
