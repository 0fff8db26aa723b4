"""The field as a process: `python -m madang.ingest.sumo.run --city helsinki --files DIR --run DIR [--shadow] ...`.

The broker's address comes by the environment, MADANG_MQTT=mqtt://user:password@host:port, for it holds a password.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from madang.ingest.sumo import keeping, loops, network, simulator
from madang.ingest.sumo.field import LOOP_PERIOD_S, Field, Setup
from madang.ingest.sumo.kpi import read_totals
from madang.ingest.sumo.link import Broker, Link
from madang.ingest.sumo.messages import CityTime
from madang.ingest.sumo.pace import Meter, Pace

log = logging.getLogger(__name__)

MakeRoutes = Callable[[Path, int, int, int], None]
SAVE_EVERY_S = 60
STEPS_PER_TURN = 20


@dataclass(frozen=True)
class Settings:
    """One process of the field. `wall_s` is the epoch second that belongs to simulated second `begin_s`."""

    setup: Setup
    files: Path
    run: Path
    begin_s: int
    wall_s: float
    broker: Broker
    hours: float = 24.0
    warm_up_s: int = 0


def prepare(told: Settings, make_routes: MakeRoutes | None, options: Sequence[str] = ()) -> Field:
    """A field ready to step: resumed from the last saved state of the same day and seed, or begun anew. `options` of SUMO."""
    told.run.mkdir(parents=True, exist_ok=True)
    net = network.read_network(told.files / "net.net.xml", network.read_stages(told.files / "entities.ndjson"))
    placed = loops.seen_from_line(loops.read_loops(told.files / "detectors.add.xml"), net.lane_m)
    loops.write_loops(placed, told.run / "loops.add.xml", LOOP_PERIOD_S)
    saved = keeping.find_saved(told.run, told.begin_s)
    routes = make_trips(told, make_routes)
    stops = [path for name in ("stops.add.xml",) if (path := told.files / name).exists()]
    scene = simulator.Scene(
        net=told.files / "net.net.xml",
        routes=[routes],
        additional=[*stops, told.run / "loops.add.xml"],
        begin_s=int(saved["now"]) if saved else told.begin_s - told.warm_up_s,
        seed=told.setup.seed,
        load_state=told.run / saved["sumo"] if saved else None,
        options=options,
    )
    field = Field(told.setup, simulator.start(scene), net, placed, scene.begin_s)
    if saved:
        keeping.resume(field, saved)
    if not saved:
        warm_up(field, told.begin_s)
    field.tell_anew()
    return field


def warm_up(field: Field, until_s: int) -> None:
    """The streets fill before anybody looks; nothing of it is told or counted."""
    while field.now < until_s:
        field.step()
    field.kpi.begin(read_totals(field.sumo))
    field.transit.begin()


def make_trips(told: Settings, make_routes: MakeRoutes | None) -> Path:
    """The day's trips: drawn once for seed and window, kept beside the run; else the import's example file."""
    if make_routes is None:
        return told.files / "morning.rou.xml"
    path = told.run / f"trips-{told.setup.seed}-{told.begin_s}-{told.hours:g}.rou.xml"
    if not path.exists():
        make_routes(path, told.setup.seed, told.begin_s - told.warm_up_s, int(told.hours * 3600))
    return path


async def run_field(told: Settings, make_routes: MakeRoutes | None = None, stop: asyncio.Event | None = None) -> None:
    """Run until `stop` is set or the day's trips end."""
    field = prepare(told, make_routes)
    prefix = f"city/{told.setup.city}"
    live = (
        [f"{prefix}/{one}" for one in ("signal/+/command", "vehicle/+/command", "interrogation")]
        if told.setup.live
        else []
    )
    wanted = [f"{prefix}/simulation/command", *live]
    role = "field" if told.setup.live else "shadow"
    link = Link(told.broker, tuple(wanted), f"{role}-{told.setup.city}-{os.getpid()}")
    sender = asyncio.create_task(link.run())
    try:
        await _drive(field, link, told, stop or asyncio.Event())
    finally:
        sender.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sender
        field.sumo.close()


async def _drive(field: Field, link: Link, told: Settings, stop: asyncio.Event) -> None:
    pace, meter = Pace(told.begin_s, told.wall_s, told.setup.speed), Meter()
    end = told.begin_s + told.hours * 3600
    while not stop.is_set() and field.now < end:
        for _ in range(STEPS_PER_TURN):
            wall = time.time()
            if pace.wait_s(field.now, wall) > 0:
                break
            if pace.slip(field.now, wall):
                log.warning("this machine cannot keep speed %s", told.setup.speed)
            field.quiet = pace.catching_up(field.now, wall)
            hear(field, link)
            link.put(field.step())
            if field.now % SAVE_EVERY_S == 0:
                keeping.save(field, told.run)
        if meter.note(field.now, time.time()):
            _report(field, link, told, meter)
        wait = pace.wait_s(field.now, time.time())
        # A simulator that is late still lets the wire breathe between turns.
        await asyncio.sleep(min(wait, 0.05))


def hear(field: Field, link: Link) -> None:
    """What came over the wire: commands, injections, and the question for the present state."""
    for topic, payload in link.take():
        parts = topic.split("/")
        if parts[2] == "interrogation":
            field.tell_anew()
        elif parts[2] in ("signal", "vehicle"):
            link.put(field.command(parts[2], parts[3], payload))
        else:
            link.put(field.inject(payload))


def _report(field: Field, link: Link, told: Settings, meter: Meter) -> None:
    log.info(
        "%s speed %.2f, sent %s, dropped %s",
        "live" if told.setup.live else "shadow",
        meter.speed,
        link.sent,
        link.dropped,
    )
    body = {"speed": round(meter.speed, 3), "now_s": field.now, "sent": link.sent, "dropped": link.dropped}
    path = told.run / "status.json"
    path.with_suffix(".part").write_text(json.dumps(body | {"connected": link.connected}), encoding="utf-8")
    path.with_suffix(".part").replace(path)


def midnight_of(day: str | None, timezone: str) -> datetime:
    """Local midnight of a day (YYYY-MM-DD; today when None) in UTC."""
    zone = ZoneInfo(timezone)
    local = datetime.fromisoformat(day).replace(tzinfo=zone) if day else datetime.now(zone)
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def parse(argv: list[str] | None) -> Settings:
    """Command line to settings. Raises SystemExit, ValueError."""
    parser = argparse.ArgumentParser(prog="madang.ingest.sumo.run")
    parser.add_argument("--city", required=True)
    parser.add_argument("--files", type=Path, required=True, help="folder of the import")
    parser.add_argument("--run", type=Path, required=True, help="folder of this run, kept over restarts")
    parser.add_argument("--shadow", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--start", default="07:30", help="local time of the simulated day")
    parser.add_argument("--day", help="YYYY-MM-DD, default today")
    parser.add_argument("--timezone", default="UTC")
    parser.add_argument("--wall-start", type=float, help="epoch second of --start, the same for field and shadow")
    parser.add_argument("--max-messages-per-s", type=float, default=250.0)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--warm-up", type=int, default=0, help="seconds simulated before --start, untold")
    a = parser.parse_args(argv)
    hour, minute = (int(part) for part in a.start.split(":"))
    time_of = CityTime(midnight_of(a.day, a.timezone))
    setup = Setup(a.city, time_of, a.seed, not a.shadow, a.max_messages_per_s, a.speed)
    broker = Broker.of(os.environ.get("MADANG_MQTT", "mqtt://127.0.0.1:1883"))
    wall = a.wall_start if a.wall_start is not None else time.time()
    return Settings(setup, a.files, a.run, hour * 3600 + minute * 60, wall, broker, a.hours, a.warm_up)


async def serve(told: Settings, make_routes: MakeRoutes | None = None) -> None:
    """`run_field` until SIGTERM or SIGINT."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run_field(told, make_routes, stop)


def main(argv: list[str] | None = None, make_routes: MakeRoutes | None = None) -> int:
    """`make_routes(path, seed, start_s, duration_s)` writes the day's trips; cli passes the city's demand."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    asyncio.run(serve(parse(argv), make_routes))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
