"""`madang bench apps`: what apps cost, and what they can do to each other.

A whole house without a simulator (gateway, PostgreSQL, NATS), apps in the sandbox of this machine.

`idle_app_mb`: memory of 200 idle SDK apps, each connected and subscribed, as the mean of their proportional set sizes (PSS: a page that
several share is counted in parts); `idle_app_private_mb`: of pages that are one app's alone. `install_s`: a package until its app has
the first state, the slowest of five. `handler_p95_ms`: from the moment a change is sent over HTTP to the app's handler, 2,000 changes a
second over 20 apps that hear a hundredth of a second's each; `flood_ratio`: the same beside an app that asks as fast as it can, divided by
the same without. `hostile_stopped` of `hostile_tried`: attempts that failed, and of which the operator was told.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import time
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil

from bench.apps_made import EATERS, FLOOD, HEAR, IDLE, QUIET, make
from madang.cli.instance import Instance, demo_env
from madang.cli.serving import door_path
from madang.engine.control import ask
from madang.engine.database import connect_pool
from madang.engine.temporary import scratch
from madang.runtime.apps import Apps
from madang.runtime.package import pack
from madang.runtime.records import Records
from madang.runtime.sandbox import probe

FIXTURES = Path(__file__).resolve().parents[1] / "tests" / "fixtures"
IDLE_APPS, HEARING_APPS, EVENTS_PER_S, BATCHES_PER_S, SECONDS, WARM_S = 200, 20, 2_000, 20, 15.0, 4.0
TRIED_AT_THE_DOOR = {
    "steal": "refused",
    "home": "refused",
    "forge": "forged",
    "spy": "no_consent",
    "overreach": "refused",
    "flood": "flooded",
}


class House:
    """One instance, and its apps."""

    def __init__(self, instance: Instance, run_dir: Path, apps: Apps, pool: asyncpg.Pool) -> None:
        self.instance, self.run_dir, self.apps, self.records = instance, run_dir, apps, Records(pool)

    def folder(self, name: str, code: str, **quota: float) -> Path:
        return make(self.run_dir / "made" / name, f"org.example.{name}", code, quota)

    async def start(self, name: str, code: str, **quota: float) -> str:
        manifest = await self.apps.install(self.folder(name, code, **quota))
        await self.apps.enable(manifest.id)
        return manifest.id

    def data(self, app_id: str) -> Path:
        return self.run_dir / "apps" / app_id

    def pid(self, app_id: str) -> int | None:
        return self.instance.supervisor.members[f"app:{app_id}"].state.pid

    async def stop(self, *app_ids: str) -> None:
        for app_id in app_ids:
            await self.apps.uninstall(app_id)


async def until(found: Any, what: str, timeout_s: float = 120.0) -> None:
    end = time.monotonic() + timeout_s
    while not await found() if asyncio.iscoroutinefunction(found) else not found():
        if time.monotonic() > end:
            raise TimeoutError(what)
        await asyncio.sleep(0.02)


async def idle(house: House, count: int) -> dict[str, float]:
    """Of that many apps once all have had their first state."""
    began = time.monotonic()
    ids = [await house.start(f"idle{number}", IDLE) for number in range(count)]
    started_s = time.monotonic() - began
    await until(lambda: all((house.data(one) / "ready").exists() for one in ids), "idle apps are connected")
    await asyncio.sleep(3)
    sizes = [psutil.Process(pid).memory_full_info() for one in ids if (pid := house.pid(one)) is not None]
    assert len(sizes) == count, "an idle app ended"
    cpu_before = sum(sum(psutil.Process(house.pid(one)).cpu_times()[:2]) for one in ids)
    await asyncio.sleep(10)
    cpu = (sum(sum(psutil.Process(house.pid(one)).cpu_times()[:2]) for one in ids) - cpu_before) / 10
    out = {
        "idle_apps": count,
        "idle_app_mb": round(sum(one.pss for one in sizes) / count / 1e6, 2),
        "idle_app_private_mb": round(sum(one.uss for one in sizes) / count / 1e6, 2),
        "idle_apps_cores": round(cpu, 3),
        "idle_start_all_s": round(started_s, 1),
    }
    await house.stop(*ids)
    return out


async def install(house: House) -> dict[str, float]:
    """From the bytes of a package to the first state in the app."""
    took = []
    for number in range(5):
        data = pack(house.folder(f"fresh{number}", QUIET))
        began = time.monotonic()
        manifest = await house.apps.install(data)
        await house.apps.enable(manifest.id)
        await until((house.data(manifest.id) / "ready").exists, "a fresh app has its state")
        took.append(time.monotonic() - began)
        await house.stop(manifest.id)
    return {"install_s": round(max(took), 2)}


async def send(url: str, seconds: float) -> float:
    """Changes at their rate, spread over the apps; gives how many a second were sent."""
    sent, began = 0, time.monotonic()
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
        tasks: set[asyncio.Task[Any]] = set()
        for batch in range(int(seconds * BATCHES_PER_S)):
            await asyncio.sleep(max(0.0, began + batch / BATCHES_PER_S - time.monotonic()))
            each = EVENTS_PER_S // BATCHES_PER_S // HEARING_APPS
            body = [
                {"id": f"urn:ngsi-ld:Probe{app}:bench:{number}", "type": f"Probe{app}", "sent": time.time()}
                for app in range(HEARING_APPS)
                for number in range(each)
            ]
            sent += len(body)
            tasks.add(
                asyncio.create_task(
                    client.post("ngsi-ld/v1/entityOperations/upsert", params={"options": "update"}, json=body)
                )
            )
        for answer in await asyncio.gather(*tasks):
            answer.raise_for_status()
    return sent / (time.monotonic() - began)


async def heard(house: House, ids: list[str]) -> tuple[float, float, int]:
    """p50 and p95 in ms of what the handlers waited, and how much they heard, of one round after a warm one."""
    await send(house.instance.url, WARM_S)
    await asyncio.sleep(1.5)
    before = {one: len(json.loads((house.data(one) / "waits.json").read_text())) for one in ids}
    rate = await send(house.instance.url, SECONDS)
    assert rate > 0.95 * EVENTS_PER_S, f"only {rate:.0f} changes a second could be sent"
    await asyncio.sleep(2.5)
    waits = sorted(
        wait for one in ids for wait in json.loads((house.data(one) / "waits.json").read_text())[before[one] :]
    )
    return waits[len(waits) // 2] * 1e3, waits[int(len(waits) * 0.95)] * 1e3, len(waits)


async def handlers(house: House) -> dict[str, float]:
    """Three rounds without and three with a flood, by turns; the median of each."""
    ids = [
        await house.start(f"hear{number}", HEAR.replace("PROBE", f"Probe{number}"), messages_per_s=500)
        for number in range(HEARING_APPS)
    ]
    await until(lambda: all((house.data(one) / "waits.json").exists() for one in ids), "the apps hear")
    rounds: dict[bool, list[tuple[float, float, int]]] = {False: [], True: []}
    for _ in range(3):
        for flooded in (False, True):
            flooder = [await house.start("flood", FLOOD)] if flooded else []
            rounds[flooded].append(await heard(house, ids))
            await house.stop(*flooder)
    await house.stop(*ids)
    (p50, p95, count), (_, flooded_p95, _) = (
        sorted(rounds[one], key=lambda found: found[1])[1] for one in (False, True)
    )
    return {
        "handler_p50_ms": round(p50, 1), "handler_p95_ms": round(p95, 1), "handler_flooded_p95_ms": round(flooded_p95, 1),
        "flood_ratio": round(flooded_p95 / p95, 3), "handled": count,
        "handler_p95_rounds_ms": [round(one[1], 1) for one in rounds[False]],  # type: ignore[dict-item]
        "flooded_p95_rounds_ms": [round(one[1], 1) for one in rounds[True]],  # type: ignore[dict-item]
    }  # fmt: skip


async def hostile(house: House) -> dict[str, int]:
    """Each attempt that did not succeed and was told of counts as stopped."""
    manifest = await house.apps.install(FIXTURES / "beacon")
    await house.apps.enable(manifest.id)
    await until(house.data(manifest.id).exists, "there is somebody to steal from")
    (house.data(manifest.id) / "secret").write_text("mine")
    mischief = await house.apps.install(FIXTURES / "mischief")
    await house.apps.enable(mischief.id)
    eaters = {name: await house.start(name, code, memory_mb=128, storage_mb=8) for name, (code, _) in EATERS.items()}
    wanted = {(mischief.id, kind) for kind in TRIED_AT_THE_DOOR.values()} | {
        (eaters[name], kind) for name, (_, kind) in EATERS.items()
    }
    told: set[tuple[str, str]] = set()

    async def all_told() -> bool:
        for app_id in (mischief.id, *eaters.values()):
            told.update((app_id, one.kind) for one in await house.records.events(app_id, 500))
        return wanted <= told

    with contextlib.suppress(TimeoutError):
        await until(all_told, "every attempt is told", 60)
    log = house.run_dir / "logs" / f"app-{mischief.id}.log"
    with contextlib.suppress(TimeoutError):
        await until(lambda: "flood" in log.read_text(), "it tried everything", 60)
    printed = log.read_text().split("\n")
    failed = {
        line.split()[0]
        for line in printed
        if line.split()[1:] and ("Error" in line or "4" in line.split()[1] or "429" in line)
    }
    stopped = sum(name in failed and (mischief.id, kind) in told for name, kind in TRIED_AT_THE_DOOR.items())
    stopped += sum((eaters[name], kind) in told for name, (_, kind) in EATERS.items())
    await house.stop(mischief.id, manifest.id, *eaters.values())
    return {"hostile_tried": len(TRIED_AT_THE_DOOR) + len(EATERS), "hostile_stopped": stopped}


async def run(options: argparse.Namespace) -> dict[str, Any]:
    folder = scratch("madang-bench-apps-")
    instance = Instance(
        folder.path,
        "yard",
        FIXTURES / "yard.toml",
        None,
        demo_env("operator", folder.path / "tiles", None, None),
        lambda _: None,
    )
    out: dict[str, Any] = {"sandbox_level": probe()}
    try:
        await instance.start_engines()
        await instance.start_kernel()
        async with await connect_pool(instance.settings.database, 1, 4) as pool:
            apps = Apps(
                pool, lambda request: ask(folder.path, request, 30), door_path(instance.settings), folder.path / "apps"
            )
            house = House(instance, folder.path, apps, pool)
            for name, work in (("hostile", hostile), ("install", install), ("handlers", handlers)):
                out |= await work(house) if options.only in ("", name) else {}
            out |= await idle(house, IDLE_APPS) if options.only in ("", "idle") else {}
    finally:
        await instance.stop()
        folder.remove()
    return out


def main() -> None:
    parser = argparse.ArgumentParser(prog="madang bench apps")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", default="", choices=["", "hostile", "install", "handlers", "idle"])
    options = parser.parse_args()
    print(json.dumps(asyncio.run(run(options)), indent=None if options.json else 1))


if __name__ == "__main__":
    main()
