"""The gateway process: HTTP, WebSocket and the command room, wired."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from madang.base.city import CityConfig
from madang.base.clock import SystemClock, to_iso
from madang.base.errors import MadangError
from madang.bus.changes import STATS_SUBJECT, batch_subject, decode_changes
from madang.bus.connection import connect
from madang.cli.cities import find_city, first_party_apps
from madang.cli.desk import Desk, open_desk
from madang.cli.roles import open_pool, open_writer, until_told
from madang.cli.tenancy import TenantHouse
from madang.cli.tidy import keep_tidy
from madang.context.catalogue import Catalogue
from madang.context.contexts import Contexts
from madang.context.discovery import Discovery
from madang.context.expiry import Expiry
from madang.context.snapshot import open_snapshot
from madang.context.store import Store
from madang.context.subscriptions import Subscriptions
from madang.context.tenants import Tenants
from madang.engine.control import ask
from madang.engine.database import retrying
from madang.engine.privilege import APP_UID, is_root
from madang.engine.settings import Settings, listen_on
from madang.ingest.deadletters import DeadLetters
from madang.people.gateway import Gateway
from madang.people.http import Request, Response
from madang.people.live import Live
from madang.people.manage import Management
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.routes import NgsiLd
from madang.people.ngsi.tenants import TenantRouter
from madang.people.static_files import Files
from madang.runtime.apps import Apps
from madang.runtime.manifest import load_manifest
from madang.trust.caller import Caller

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


async def gateway(settings: Settings) -> None:
    """Serves until told to stop."""
    city = find_city(settings.city_file)
    pool = await open_pool(settings, 12)
    snapshot = await retrying(lambda: open_snapshot(pool))
    writer = open_writer(settings, pool, snapshot)
    store, board, catalogue = Store(pool, snapshot), Board(city), Catalogue(pool)
    broker = Broker(writer, store, Contexts(catalogue=catalogue), Discovery(pool), catalogue, f"madang-{city.id}")
    tenants = TenantHouse(settings, Tenants(pool), broker.alias)
    live = Live(broker, board.status)
    door = door_path(settings)

    async def back() -> None:
        catching_up.append(asyncio.create_task(catch_up()))

    async def catch_up() -> None:
        # Only when the server has taken the subscriptions again is nothing missed after the reading.
        await client.flush()
        live.resync()
        catching_up.clear()

    catching_up: list[asyncio.Task[None]] = []
    client = await connect(settings.bus, "gateway", back)
    apps = Apps(pool, lambda request: ask(settings.run_dir, request), door, settings.run_dir / "apps")
    desk = await open_desk(settings, city.id, pool, store, board.demo.get("speed") or 1.0)
    board.desk = desk
    manage = Management(page_config(city, board), apps, desk, DeadLetters(pool), board.status, lambda: available(apps))
    app = Gateway(
        TenantRouter(NgsiLd(broker, Subscriptions(pool)), tenants.open),
        manage,
        Files(Path(os.environ.get("MADANG_TILES", str(settings.run_dir / "tiles")))),
        Files(Path(__file__).resolve().parents[1] / "people" / "static"),
        metrics(board),
        live.serve,
        apps.caller,
        Caller("anonymous", os.environ.get("MADANG_ANONYMOUS", "reader")),
    )
    await subscribe(client, settings.city, live, board)
    await look(board, settings, store)  # the first status frame already tells how things are
    await until_told(
        serve(app, settings.http_port, door),
        poll(board, settings, store),
        desk.run(),
        writer.watch(),
        keep_tidy(Expiry(pool, writer), broker.contexts),
        tenants.watch(),
    )
    await tenants.close()
    await writer.stop()


async def subscribe(client: Any, city: str, live: Live, board: Board) -> None:
    async def changed(message: Any) -> None:
        if live.sockets:
            for change in decode_changes(message.data):
                live.publish(change)

    async def told(message: Any) -> None:
        board.hear(message.subject.rsplit(".", 1)[-1], msgspec.json.decode(message.data))

    await client.subscribe(batch_subject(city), cb=changed)
    await client.subscribe(f"{STATS_SUBJECT}.*", cb=told)


async def poll(board: Board, settings: Settings, store: Store) -> None:
    """Follows the instance for ever."""
    while True:
        await asyncio.sleep(1.0)
        await look(board, settings, store)


async def look(board: Board, settings: Settings, store: Store) -> None:
    """Asks the supervisor how the processes are, and counts entities now and then."""
    try:
        board.components = await ask(settings.run_dir, {"op": "status"})
    except (OSError, TimeoutError, RuntimeError, msgspec.DecodeError):
        board.components = board.components | {"supervisor": {"state": "crashed", "detail": "does not answer"}}
    if board.looks % 5 == 0:
        try:
            board.entities = await store.count()
        except MadangError:
            board.components = board.components | {"database": {"state": "crashed", "detail": "does not answer"}}
    board.looks += 1


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


async def available(apps: Apps) -> list[dict[str, Any]]:
    """First-party apps that could be installed."""
    out = []
    for folder in first_party_apps():
        manifest = load_manifest(folder)
        out.append({"path": str(folder), "id": manifest.id, "name": manifest.name, "summary": manifest.summary})
    return out


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


def door_path(settings: Settings) -> Path:
    """The app door's socket: its folder may be passed by apps, its name is short enough for an address."""
    digest = hashlib.sha256(str(settings.run_dir.resolve()).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"madang-{os.getuid()}-{digest}-door" / "app.sock"


def open_door(path: Path) -> socket.socket:
    path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX)
    door.bind(str(path))
    if is_root():
        os.chown(path, APP_UID, APP_UID)
    path.chmod(0o600)
    return door


async def serve(app: Gateway, port: int, door: Path) -> None:
    """Both doors, one server."""
    handle = os.environ.get("MADANG_HTTP_FD")
    people = socket.socket(fileno=int(handle)) if handle else listen_on("127.0.0.1", port)
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="websockets-sansio",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        ws_max_size=64 * 1024,
        ws_per_message_deflate=False,
        timeout_keep_alive=30,
        limit_concurrency=4_000,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    await server.serve(sockets=[people, open_door(door)])
