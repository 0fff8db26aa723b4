"""What the context broker does with a core: real gateway, real PostgreSQL, real HTTP; the client is not counted.

    madang bench broker [--json] [--only KEY] [--seconds 8]

`..._per_core_s` divides what was answered with success by the CPU seconds of the gateway and of all PostgreSQL
processes together, those included that serve the courier. Ingest and courier run as in every city. The keys `geo_q_1m_...` have
an instance of their own, into which a million entities are loaded first as an import is: a few minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

from bench.http_load import BATCH, KNOWN, entity
from bench.million import ENTITIES, sensors
from madang.cli.instance import Instance, demo_env
from madang.cli.load import load_entities
from madang.engine.temporary import scratch
from madang.model.entity import Entity

ROOT = Path(__file__).resolve().parents[1]
COUNTED = ("gateway", "postgres")
REACH = {
    "write_per_core_s": 8_000,
    "batch_entities_per_core_s": 18_000,
    "get_per_core_s": 10_000,
    "type_query_per_core_s": 6_000,
    "geo_q_1m_per_core_s": 500,
    "geo_q_1m_p50_ms": 5,
    "aggregate_10k_ms": 30,
    "notify_delivered_ratio": 1,
    "notify_p99_ms": 1_000,
    "write_with_10k_dead_ratio": 0.95,
    "federated_p99_ms": 300,
}
MESSAGES_PER_S = 500
SUBSCRIPTIONS, UPDATES_PER_S = 10_000, 500
NOTIFY = {"notify_delivered_ratio": "ratio", "notify_p50_ms": "p50_ms", "notify_p99_ms": "p99_ms"}
CACHE = "3GB"  # what docs/operations.md says of a city of a million entities
REGISTRATIONS, QUERIES_PER_S = 1_000, 50
FEDERATED = {"federated_p50_ms": "p50_ms", "federated_p99_ms": "p99_ms"}
DEAD = "write_with_10k_dead_ratio"
# The request, how many entities it is worth, and how many clients ask at a time: those who write one entity each are many.
KINDS = {
    "write_per_core_s": ("write", 1, 256),
    "batch_entities_per_core_s": ("batch", BATCH, 64),
    "get_per_core_s": ("get", 1, 64),
    "type_query_per_core_s": ("query", 1, 64),
}
WARM_S, WARM_MILLION_S = 4.0, 120.0
MILLION = ["geo_q_1m_per_core_s", "geo_q_1m_p50_ms"]
LATENCY = "device_to_browser_p95_ms"
PAST = {"aggregate_10k_ms": "aggregate_ms", "last_100_of_10k_ms": "last_100_ms"}


ALL = [LATENCY, *KINDS, *PAST, *NOTIFY, *FEDERATED, DEAD, *MILLION]


def cpu_s(instance: Instance) -> float:
    """CPU seconds so far of the gateway and of PostgreSQL with its children."""
    total = 0.0
    for name in COUNTED:
        root = psutil.Process(instance.supervisor.members[name].state.pid)
        for process in [root, *root.children(recursive=True)]:
            times = process.cpu_times()
            total += times.user + times.system
        ended = root.cpu_times()
        total += ended.children_user + ended.children_system  # else an autovacuum that ends gives back what it took
    return total


async def client(module: str, *arguments: str) -> dict[str, Any]:
    """Runs a client process; its JSON answer."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"bench.{module}", *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return dict(json.loads(out))


async def work(instance: Instance, kind: str, worth: int, connections: int, seconds: float) -> tuple[float, float]:
    """What was done per core-second, and the median of what one request waited in milliseconds."""
    before = cpu_s(instance)
    done = await client("http_load", f"127.0.0.1:{instance.settings.http_port}", kind, str(seconds), str(connections))
    if done["bad"]:
        raise RuntimeError(f"{kind}: {done['bad']} requests failed")
    return round(done["done"] * worth / (cpu_s(instance) - before), 0), done["p50_ms"]


async def load(instance: Instance, key: str, seconds: float) -> float:
    await work(instance, *KINDS[key], WARM_S)
    return (await work(instance, *KINDS[key], seconds))[0]


async def million(instance: Instance, seconds: float) -> dict[str, float]:
    """By eight clients for the work, by one for the wait. It answers for two minutes before: each of PostgreSQL's processes
    has to find its way into 3 GB of pages once, and the load's own vacuum is over then."""
    await work(instance, "near", 1, 8, WARM_MILLION_S)
    per_core, _ = await work(instance, "near", 1, 8, seconds)
    _, p50_ms = await work(instance, "near", 1, 1, seconds)
    return dict(zip(MILLION, (per_core, p50_ms), strict=True))


async def beside_the_dead(instance: Instance, seconds: float) -> float:
    """Writes per core-second with 10,000 subscriptions to a host that does not answer, over those without."""
    before = await load(instance, "write_per_core_s", seconds)
    await client("notify", instance.url, "1", "1", "3", str(SUBSCRIPTIONS))
    return round(await load(instance, "write_per_core_s", seconds) / before, 3)


async def prepare(instance: Instance) -> None:
    """The entities that reads and merges are about."""
    known = [entity(number, "Known") for number in range(KNOWN)]
    typed = [entity(number, f"Known{number % 10}") for number in range(KNOWN)]
    async with httpx.AsyncClient(base_url=f"{instance.url}ngsi-ld/v1/", trust_env=False, timeout=60) as http:
        for entities in (known, typed):
            (await http.post("entityOperations/create", json=entities)).raise_for_status()


async def probe(instance: Instance, key: str, seconds: float) -> dict[str, float]:
    """The figure, with those that the same run gives."""
    if key == LATENCY:
        found = await client("latency", instance.url, instance.settings.mqtt, str(MESSAGES_PER_S), str(seconds))
        return {key: found["p95_ms"]}
    if key in PAST:
        found = await client("temporal", instance.url, str(seconds))
        return {name: found[field] for name, field in PAST.items()}
    if key in NOTIFY:
        found = await client("notify", instance.url, str(SUBSCRIPTIONS), str(UPDATES_PER_S), str(seconds))
        return {name: found[field] for name, field in NOTIFY.items()}
    if key in FEDERATED:
        found = await client("federated", instance.url, str(REGISTRATIONS), str(QUERIES_PER_S), str(seconds))
        if found["bad"]:
            raise RuntimeError(f"{key}: {found['bad']} queries failed")
        return {name: found[field] for name, field in FEDERATED.items()}
    if key == DEAD:
        return {key: await beside_the_dead(instance, seconds)}
    return {key: await load(instance, key, seconds)}


async def measure(keys: list[str], seconds: float) -> dict[str, float]:
    out: dict[str, float] = {}
    if plain := [key for key in keys if key not in MILLION]:
        async with running(None) as instance:
            await prepare(instance)
            for key in plain:
                out |= {} if key in out else await probe(instance, key, seconds)
    if set(keys) & set(MILLION):
        os.environ.setdefault("MADANG_DATABASE_CACHE", CACHE)
        async with running(sensors(ENTITIES)) as instance:
            out |= await million(instance, seconds)
    return out


@asynccontextmanager
async def running(city: Iterator[Entity] | None, more: Mapping[str, str] = {}) -> AsyncIterator[Instance]:
    """An instance of its own, with a city loaded before it opens if there is one, and `more` in its environment."""
    folder = scratch("madang-bench-")
    run_dir = folder.path
    env = demo_env("operator", run_dir / "tiles", None, None) | dict(more)
    instance = Instance(run_dir, "yard", ROOT / "tests" / "fixtures" / "yard.toml", None, env, print)
    try:
        await instance.start_engines()
        if city is not None:
            await load_entities(instance.settings.database, city)
        await instance.start_kernel()
        yield instance
    finally:
        await instance.stop()
        folder.remove()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=ALL)
    parser.add_argument("--seconds", type=float, default=8.0)
    options = parser.parse_args()
    keys = [options.only] if options.only else ALL
    found = asyncio.run(measure(keys, options.seconds))
    lines = [f"{name:28} {value:10,.3f}   reach {REACH.get(name, '-')}" for name, value in found.items()]
    print(json.dumps(found) if options.json else "\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
