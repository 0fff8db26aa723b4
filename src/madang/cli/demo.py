"""`madang demo`: central Helsinki lives on this machine; everything real but the traffic, and that says so."""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import shutil
import time
from pathlib import Path
from typing import Any

import httpx

from madang.base.city import source_path
from madang.base.errors import Unavailable
from madang.base.ids import entity_id
from madang.bus.connection import connect, tell_every_second
from madang.cli.cities import city_path, find_city
from madang.cli.field import field_specs
from madang.cli.instance import Instance, demo_env
from madang.cli.load import load_entities, read_entities, stand_up
from madang.cli.probe import Probe
from madang.cli.sources import imported
from madang.cli.up import bbox_of, prepare_tiles, progress, say, until_stopped
from madang.engine.settings import free_run_dir, home_dir

DEFAULT_PORT = 8600
KEPT = ("lock",)


async def demo(options: argparse.Namespace) -> int:
    """Runs until stopped or for `--seconds`. Each demo starts the same day anew, in a folder of its own."""
    began = time.monotonic()
    city = find_city(options.city)
    folder = imported(city, source_path(city.map.source, city_path(options.city).parent), progress)
    lock = free_run_dir(home_dir(), f"demo-{city.id}")
    _empty(lock.run_dir)
    shown = {"seed": options.seed, "speed": options.speed}
    env = demo_env("operator", prepare_tiles(lock.run_dir, city.id, folder), bbox_of(folder), shown)
    instance = _instance(options.port, lock.run_dir, city.id, city_path(options.city), env)
    try:
        return await _live(instance, city, folder, options, began)
    finally:
        await instance.stop()
        lock.release()


async def _live(instance: Instance, city: Any, folder: Path, options: argparse.Namespace, began: float) -> int:
    say("starting database, bus, the simulated field and its twin without apps")
    for spec in field_specs(instance, city, folder, options):
        instance.supervisor.add(spec).start()
    await instance.start_engines()
    say("loading the city")
    await load_entities(instance.settings.database, read_entities(folder / "entities.ndjson"))
    await stand_up(instance.settings.database, city.id, folder)
    say("starting the kernel")
    await instance.start_kernel()
    await _install_apps(instance)
    say(f"\n  {city.name['en']} lives at {instance.url}   (Ctrl-C ends it)\n")
    probe, first = Probe(instance.settings), _First()
    client = await connect(instance.settings.bus, "probe")
    watchers = [
        asyncio.create_task(probe.run()),
        asyncio.create_task(tell_every_second(client, "probe", probe.numbers)),
        asyncio.create_task(first.watch(instance, began)),
    ]
    await until_stopped(options.seconds)
    result = await _result(instance, city.id, probe, first)
    for task in watchers:
        task.cancel()
    await asyncio.gather(*watchers, return_exceptions=True)
    await client.close()
    if options.json:
        await instance.stop()
        print(json.dumps(result), flush=True)
    return 0


class _First:
    """How long after the command the first observation was live."""

    def __init__(self) -> None:
        self.after_s: float | None = None

    async def watch(self, instance: Instance, began: float) -> None:
        async with httpx.AsyncClient(trust_env=False, base_url=instance.url, timeout=5) as client:
            while self.after_s is None:
                try:
                    answer = await client.get(
                        "ngsi-ld/v1/entities", params={"type": "TrafficFlowObserved", "q": "intensity", "limit": "1"}
                    )
                    if answer.status_code == 200 and answer.json():
                        self.after_s = round(time.monotonic() - began, 1)
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.1)


async def _install_apps(instance: Instance) -> None:
    """First-party apps are installed and running when the demo starts."""
    async with httpx.AsyncClient(trust_env=False, base_url=f"{instance.url}madang/v1/", timeout=30) as client:
        for app in (await client.get("apps/available")).raise_for_status().json():
            answer = await client.post("apps", json={"path": app["path"]})
            if answer.status_code != httpx.codes.CONFLICT:  # a database of our own keeps them from run to run
                answer.raise_for_status()
            (await client.post(f"apps/{app['id']}/start")).raise_for_status()


async def _result(instance: Instance, city: str, probe: Probe, first: _First) -> dict[str, Any]:
    async with httpx.AsyncClient(trust_env=False, base_url=instance.url, timeout=10) as client:
        counters = (await client.get("madang/v1/status")).json()["counters"]
        kpi = {}
        for run in ("live", "fixed"):
            answer = await client.get(
                f"ngsi-ld/v1/entities/{entity_id('KeyPerformanceIndicator', city, f'delay-{run}')}",
                params={"options": "keyValues"},
            )
            kpi[run] = answer.json() if answer.status_code == 200 else {}
    return {
        "entities": counters["entities"],
        "observations": counters["observations"],
        "observations_per_s": counters["observations_per_s"],
        "commands_accepted": counters["commands_accepted"],
        "commands_refused": counters["commands_refused"],
        "dead_letters": counters["dead_letters"],
        "messages_lost": counters["messages_lost"],
        "latency_ms_p50": probe.percentile_ms(0.5),
        "latency_ms_p95": probe.percentile_ms(0.95),
        "first_observation_s": first.after_s,
        "signals": {
            "delay_s_app": kpi["live"].get("kpiValue"),
            "delay_s_fixed": kpi["fixed"].get("kpiValue"),
            "vehicles": kpi["live"].get("vehicles"),
        },
        "rss_mb": round(instance.memory_mb()),
        "url": instance.url,
    }


def _instance(wanted: int | None, *rest: Any) -> Instance:
    """On the wanted port; else on the usual one if nobody has it, else on any free one. Raises Unavailable."""
    run_dir, city, city_file, env = rest
    try:
        return Instance(run_dir, city, city_file, DEFAULT_PORT if wanted is None else wanted, env, say)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        if wanted is not None:
            raise Unavailable(f"port {wanted} is taken: choose another with --port") from None
    return Instance(run_dir, city, city_file, None, env, say)


def _empty(run_dir: Path) -> None:
    for entry in run_dir.iterdir():
        if entry.name not in KEPT:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
