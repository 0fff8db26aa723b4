"""What the gateway knows of the whole instance, and the three ways in which it tells: status, page configuration, metrics."""

from __future__ import annotations

import os
import time
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from madang.base.city import CityConfig
from madang.base.clock import SystemClock, to_iso
from madang.cli.desk import Desk
from madang.people.http import Request, Response

COUNTERS = (
    "entities",
    "observations",
    "observations_per_s",
    "dead_letters",
    "messages_lost",
    "commands_accepted",
    "commands_refused",
    "subscriptions",
    "latency_ms_p50",
    "latency_ms_p95",
)


class Board:
    """What the gateway knows of the whole instance: the status frame."""

    def __init__(self, city: CityConfig) -> None:
        self.city = city
        self.stats: dict[str, dict[str, Any]] = {}
        self.heard: dict[str, float] = {}
        self.components: dict[str, Any] = {}
        self.entities = 0
        self.looks = 0
        self.desk: Desk | None = None
        self.demo: dict[str, Any] = msgspec.json.decode(os.environ.get("MADANG_DEMO", "null")) or {}

    def hear(self, role: str, numbers: dict[str, Any]) -> None:
        self.stats[role], self.heard[role] = numbers, time.monotonic()

    def status(self) -> dict[str, Any]:
        known: dict[str, Any] = {"entities": self.entities}
        for numbers in self.stats.values():
            known |= numbers
        if self.desk is not None:
            known |= self.desk.numbers()
        wall = to_iso(SystemClock().now())
        return {
            "city_time": to_iso(self.desk.clock.now()) if self.desk is not None else wall,
            "wall_time": wall,
            "seed": self.demo.get("seed"),
            "speed": self.demo.get("speed"),
            "simulated": bool(self.demo),
            "components": self.components,
            "counters": {name: known.get(name, 0) for name in COUNTERS},
        }


def page_config(city: CityConfig, board: Board) -> dict[str, Any]:
    """GET /madang/v1/city."""
    bbox = msgspec.json.decode(os.environ.get("MADANG_BBOX", "null")) or city.bbox
    return {
        "id": city.id,
        "name": city.name,
        "timezone": city.timezone,
        "bbox": bbox,
        "attribution": city.attribution,
        "tiles": f"/tiles/{city.id}.pmtiles",
        "simulated": bool(board.demo),
    }


def metrics(board: Board) -> Any:
    """GET /metrics for Prometheus."""

    class Collector:
        def collect(self) -> Any:
            for name, value in board.status()["counters"].items():
                yield GaugeMetricFamily(f"madang_{name}", f"{name} of the city", value=value or 0)
            up = GaugeMetricFamily("madang_component_up", "1 when the process runs", labels=["component"])
            for name, state in board.components.items():
                up.add_metric([name], 1.0 if state["state"] == "running" else 0.0)
            yield up

    registry = CollectorRegistry()
    registry.register(Collector())

    async def handle(request: Request) -> Response:
        return Response(
            200, generate_latest(registry), [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8")]
        )

    return handle
