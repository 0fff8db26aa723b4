"""What the twin costs: `madang bench twin [--json] [--only KEY] [--buildings 1000000]`.

`tiles_cpu_s`: The Hague LOD2 (1,653 parts, MODEL) from its file to tiles that are served, CPU of the importing process and of PostgreSQL
together. `million_import_s`, `million_import_rss_mb`: so many generated footprints with heights, five to twelve corners each, from a
GeoJSON sequence to entities, shapes and tiles; the memory is the most that the importing process held. `first_map_s`, `first_scene_s`: a
warm Chromium without a graphics card, from asking for the page of central Helsinki until its map, its buildings in three dimensions,
are all drawn (median of ROUNDS).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import resource
import shutil
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.broker import running
from madang.base.city import source_path
from madang.cli.cities import city_path, find_city
from madang.cli.citymodel import read_file
from madang.cli.instance import Instance, demo_env
from madang.cli.load import load_entities, read_entities, stand_up
from madang.cli.sources import imported
from madang.cli.up import bbox_of, prepare_tiles, progress
from madang.context.writer import Writer
from madang.engine.database import connect_pool
from madang.engine.temporary import scratch
from madang.ingest.citymodel.columns import load_columns
from madang.twin.citymodel import Import, Report

KEYS = ("tiles_cpu_s", "first_map_s", "first_scene_s", "million_import_s", "million_import_rss_mb")
REACH = {
    "tiles_cpu_s": 10,
    "first_map_s": 2,
    "first_scene_s": 5,
    "million_import_s": 1_800,
    "million_import_rss_mb": 1_024,
}
ROUNDS = 5
MODEL = Path(__file__).parents[2] / "shared/data/citymodel/denhaag-lod2.city.json.zip"
WEST, SOUTH, STEP_M = 126.8, 37.3, 32.0  # a building every 32 m: a million are a city of 32 km by 32 km


def footprints(number: int, seed: int) -> Iterator[bytes]:
    """Buildings on a grid, each a little other than the next; the same seed gives the same city."""
    chance, side = random.Random(seed), math.isqrt(number - 1) + 1
    for at in range(number):
        east, north = at % side * STEP_M, at // side * STEP_M
        corners, reach = chance.randint(5, 12), chance.uniform(6, 13)
        ring = [
            [
                round(WEST + (east + math.cos(turn) * reach) / 88_500, 7),
                round(SOUTH + (north + math.sin(turn) * reach * 0.7) / 111_000, 7),
            ]
            for turn in (2 * math.pi * corner / corners for corner in range(corners))
        ]
        told = {"id": f"g{at}", "height": round(chance.lognormvariate(2.3, 0.7), 1), "levels": chance.randint(1, 20)}
        geometry = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
        yield json.dumps({"type": "Feature", "properties": told, "geometry": geometry}).encode() + b"\n"


def server_cpu_s(instance: Instance, gone: dict[int, float]) -> float:
    """Of PostgreSQL; what ended meanwhile counts as it was last seen (`gone`)."""
    root = psutil.Process(instance.supervisor.members["postgres"].state.pid)
    for process in [root, *root.children(recursive=True)]:
        try:
            times = process.cpu_times()
            gone[process.pid] = times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return sum(gone.values())


async def take(dsn: str, file: Path) -> Report:
    """The import as the command does it, without its screen."""
    pool = await connect_pool(dsn, 1, 4)
    writer = Writer(pool, None)
    writer.start()
    try:
        return await read_file(Import(pool, writer, "bench"), file, load_columns("common"))
    finally:
        await writer.stop()
        await pool.close()


async def tiles() -> dict[str, float]:
    async with running(None) as instance:
        seen: dict[int, float] = {}
        before, own = server_cpu_s(instance, seen), time.process_time()
        report = await take(instance.settings.database, MODEL)
        assert report.new == 844, report
        return {"tiles_cpu_s": round(time.process_time() - own + server_cpu_s(instance, seen) - before, 2)}


@asynccontextmanager
async def helsinki() -> AsyncIterator[str]:
    """The address of central Helsinki without its traffic."""
    city, folder = find_city("helsinki"), scratch("madang-bench-")
    made = imported(city, source_path(city.map.source, city_path("helsinki").parent), progress)
    env = demo_env("operator", prepare_tiles(folder.path, city.id, made), bbox_of(made), None)
    instance = Instance(
        folder.path, city.id, city_path("helsinki"), None, env, lambda text: print(text, file=sys.stderr)
    )
    try:
        await instance.start_engines()
        await load_entities(instance.settings.database, read_entities(made / "entities.ndjson"))
        await stand_up(instance.settings.database, city.id, made)
        await instance.start_kernel()
        yield instance.url
    finally:
        await instance.stop()
        folder.remove()


async def seen() -> dict[str, float]:
    from playwright.async_api import async_playwright

    program = os.environ.get("MADANG_CHROMIUM") or shutil.which("chromium")
    flags = "--no-sandbox --disable-dev-shm-usage --use-angle=swiftshader --enable-unsafe-swiftshader --ignore-gpu-blocklist"
    async with helsinki() as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=flags.split())
        page = await (await browser.new_context(viewport={"width": 960, "height": 540})).new_page()
        looks = {
            "first_map_s": ("#v=map", "html[data-map=ready]"),
            "first_scene_s": ("#v=scene", "html[data-scene=ready]"),
        }
        out = {key: await drawn_s(page, url + look, sign) for key, (look, sign) in looks.items()}
        await browser.close()
        return out


async def drawn_s(page: Any, address: str, sign: str) -> float:
    waits = []
    for _ in range(ROUNDS + 1):
        await page.goto("about:blank")
        begin = time.perf_counter()
        await page.goto(address)
        await page.wait_for_selector(sign, state="attached", timeout=60_000)
        waits.append(time.perf_counter() - begin)
    return round(statistics.median(waits[1:]), 2)  # the first fills the browser's caches


async def million(number: int) -> dict[str, float]:
    async with running(None) as instance:
        file = instance.run_dir / "generated.geojsonl"
        with file.open("wb") as out:
            out.writelines(footprints(number, 1))
        argv = [sys.executable, "-m", "bench.twin", "--take", str(file)]
        env = os.environ | {"MADANG_DATABASE": instance.settings.database}
        begin = time.perf_counter()
        process = await asyncio.create_subprocess_exec(*argv, env=env, stdout=asyncio.subprocess.PIPE)
        told = json.loads((await process.communicate())[0])
        assert told["new"] == number, told
        return {"million_import_s": round(time.perf_counter() - begin, 1), "million_import_rss_mb": told["rss_mb"]}


async def measure(keys: list[str], number: int) -> dict[str, float]:
    out: dict[str, float] = {}
    if KEYS[0] in keys:
        out |= await tiles()
    if set(keys) & set(KEYS[1:3]):
        out |= await seen()
    if set(keys) & set(KEYS[3:]):
        out |= await million(number)
    return {key: out[key] for key in keys}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=KEYS)
    parser.add_argument("--buildings", type=int, default=1_000_000)
    parser.add_argument("--take", type=Path, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.take:
        report = asyncio.run(take(os.environ["MADANG_DATABASE"], told.take))
        rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps({"new": report.new, "tiles": report.tiles, "rss_mb": rss_mb}))
        return 0
    found = asyncio.run(measure([told.only] if told.only else list(KEYS), told.buildings))
    lines = [f"{name:24} {value:10,.2f}   reach {REACH[name]:,}" for name, value in found.items()]
    print(json.dumps(found) if told.json else "\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
