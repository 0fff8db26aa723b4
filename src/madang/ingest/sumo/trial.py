"""One arm of a trial as a process: so many seconds of a city with an app (`--apps`), or without any, the rest being equal.

`python -m madang run trial --city ID --files DIR --run DIR --seconds N [--apps ID,ID] [--script FILE] [--hidden]`. Leaves
`trips.xml` (SUMO's tripinfo with emissions) and `trial.json`. A line of `--script` is an injection with `at_s`, seconds after the
begin. Progress goes to stdout, one share (0..1) a line.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
from pathlib import Path
from typing import Any

from madang.ingest.sumo import run
from madang.ingest.sumo.link import Link
from madang.ingest.sumo.lockstep import Conductor, NoAnswer

TOLD_EVERY_S = 30
CONNECT_WAIT_S = 30.0
TRIPS, RESULT = "trips.xml", "trial.json"


def outputs(folder: Path) -> list[str]:
    """SUMO's options that measure every trip, also those that do not end or begin."""
    return [
        "--tripinfo-output", str(folder / TRIPS), "--tripinfo-output.write-unfinished", "true",
        "--tripinfo-output.write-undeparted", "true", "--device.emissions.probability", "1",
    ]  # fmt: skip


def parse(argv: list[str]) -> tuple[run.Settings, argparse.Namespace]:
    """What every field is told, and what a trial is."""
    parser = argparse.ArgumentParser(prog="madang run trial", add_help=False)
    parser.add_argument("--seconds", type=int, required=True)
    parser.add_argument("--apps", default="")
    parser.add_argument("--script", type=Path)
    parser.add_argument("--hidden", action="store_true")
    own, rest = parser.parse_known_args(argv)
    return run.parse(rest), own


async def conduct(told: run.Settings, own: argparse.Namespace, make_routes: run.MakeRoutes | None) -> dict[str, Any]:
    """The result. Raises NoAnswer, TimeoutError without a broker."""
    field = run.prepare(told, make_routes, outputs(told.run))
    for line in own.script.read_text(encoding="utf-8").splitlines() if own.script else ():
        injection = json.loads(line)
        field.inject(injection | {"at": field.setup.time.text(told.begin_s + injection["at_s"])})
    apps = frozenset(own.apps.split(",")) - {""}
    prefix = f"city/{told.setup.city}"
    topics = tuple(
        f"{prefix}/{one}" for one in ("signal/+/command", "vehicle/+/command", "interrogation", "simulation/tock")
    )
    link = Link(told.broker, topics, f"trial-{told.setup.city}-{os.getpid()}")
    conductor = Conductor(field, link.put, link.take, apps, own.hidden, teller(own.seconds))
    sender = asyncio.create_task(link.run()) if apps else None
    try:
        await connected(link, bool(apps))
        await conductor.run(own.seconds)
    finally:
        if sender is not None:
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sender
        field.sumo.close()
    return {"truth": conductor.truth, "late": conductor.late, "begin_s": told.begin_s, "end_s": field.now}


def teller(seconds: int) -> Any:
    def tell(done: int) -> None:
        if done % TOLD_EVERY_S == 0:
            print(f"{done / seconds:.4f}", flush=True)

    return tell


async def connected(link: Link, needed: bool) -> None:
    async with asyncio.timeout(CONNECT_WAIT_S):
        while needed and not link.connected:
            await asyncio.sleep(0.02)


def main(argv: list[str], make_routes: run.MakeRoutes | None = None) -> int:
    """Leaves `trial.json` last: where it is, the arm is whole; with `error` when an app did not keep step."""
    told, own = parse(argv)
    try:
        result = asyncio.run(conduct(told, own, make_routes))
    except (NoAnswer, TimeoutError) as error:
        result = {"error": str(error) or "the bus does not answer"}
    part = told.run / (RESULT + ".part")
    part.write_text(json.dumps(result), encoding="utf-8")
    part.replace(told.run / RESULT)
    return 0 if "error" not in result else 1
