"""What a filtered sight costs: the broker's type queries, asked in turns by an app that sees everything and by one that sees four
fifths of the entities (those within an area) without one of their attributes. Both show a token, so that the filter is all
that is compared."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import asyncpg
import msgspec

from bench.broker import client, cpu_s, prepare, running
from bench.http_load import TOKENS
from madang.cli.instance import Instance
from madang.engine.temporary import scratch
from madang.runtime.manifest import Manifest, Quota

APP, ROUNDS = "org.example.filtered", 6
POLICIES = f"""
@id("bench-whole") permit (principal == App::"org.example.whole", action == Action::"read", resource is Entity);
@id("bench-within") permit (principal == App::"{APP}", action == Action::"read", resource is Entity)
when {{ resource in Area::"west" && resource in Group::"known" }};
@id("bench-but-one") forbid (principal == App::"{APP}", action == Action::"read", resource is Entity)
when {{ resource in Attribute::"refDevice" }};
"""
WEST = [[[126.9, 37.4], [127.0795, 37.4], [127.0795, 37.6], [126.9, 37.6], [126.9, 37.4]]]


def write_policies(folder: Path) -> None:
    feature = {"type": "Feature", "id": "west", "geometry": {"type": "Polygon", "coordinates": WEST}}
    (folder / "bench.cedar").write_text(POLICIES)
    (folder / "areas.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    (folder / "groups.json").write_text(json.dumps({"known": [f"Known{number}" for number in range(10)]}))


def manifest_of(name: str) -> str:
    """Of an app that may say as much as it likes."""
    texts, quota = {"ko": name, "en": name}, Quota(messages_per_s=1_000_000)
    manifest = Manifest(f"org.example.{name}", "1.0", texts, texts, f"{name}.app", [], quota=quota)
    return msgspec.json.encode(manifest).decode()


async def install(instance: Instance) -> None:
    """The apps, as if they had been started with these tokens."""
    connection = await asyncpg.connect(instance.settings.database)
    sql = "INSERT INTO app (id, folder, manifest, grants, token_hash) VALUES ($1, '', $2, '[]', $3)"
    known = [(f"org.example.{name}", manifest_of(name), sha256(name.encode()).hexdigest()) for name in TOKENS]
    await connection.executemany(sql, known)
    await connection.close()


async def cost_us(instance: Instance, kind: str, seconds: float) -> float:
    """CPU of the gateway and PostgreSQL for one query. Raises RuntimeError when one fails."""
    before = cpu_s(instance)
    done = await client("http_load", f"127.0.0.1:{instance.settings.http_port}", kind, str(seconds), "64")
    if done["bad"]:
        raise RuntimeError(f"{kind}: {done['bad']} requests failed")
    return (cpu_s(instance) - before) / done["done"] * 1e6


async def ratio(seconds: float) -> dict[str, float]:
    """The figures."""
    folder = scratch("madang-bench-")
    write_policies(folder.path)
    spent = dict.fromkeys(TOKENS, 0.0)
    try:
        async with running(None, {"MADANG_POLICIES": str(folder.path)}) as instance:
            await prepare(instance)
            await install(instance)
            for kind in spent:
                await cost_us(instance, kind, seconds)
            for _ in range(ROUNDS):
                for kind in spent:
                    spent[kind] += await cost_us(instance, kind, seconds) / ROUNDS
    finally:
        folder.remove()
    return {
        "whole_query_us": round(spent["whole"], 1),
        "filtered_query_us": round(spent["filtered"], 1),
        "filtered_query_cost_ratio": round(spent["filtered"] / spent["whole"], 3),
    }
