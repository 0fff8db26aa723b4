"""`madang up CITY`: a city without a simulator, kept from run to run."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

import msgspec

from madang.base.city import source_path
from madang.base.clock import SystemClock
from madang.cli.cities import city_path, find_city
from madang.cli.instance import Instance, demo_env
from madang.cli.inviting import invited
from madang.cli.load import load_entities, read_entities, stand_up
from madang.cli.sources import imported
from madang.engine.database import connect_pool
from madang.engine.settings import InstanceLock, home_dir, issuer_of
from madang.trust.identity.people import People


def say(text: str) -> None:
    """A line of progress for a person; never on stdout, which belongs to results."""
    print(text, file=sys.stderr, flush=True)


def progress(step: str, share: float) -> None:
    say(f"  {share * 100:3.0f} %  {step}")


def prepare_tiles(run_dir: Path, city: str, folder: Path | None) -> Path:
    """The tiles folder of an instance, linked to what the import made."""
    tiles = run_dir / "tiles"
    tiles.mkdir(parents=True, exist_ok=True)
    link = tiles / f"{city}.pmtiles"
    link.unlink(missing_ok=True)
    if folder is not None and (folder / "city.pmtiles").exists():
        link.hardlink_to(folder / "city.pmtiles")
    return tiles


def bbox_of(folder: Path | None) -> list[float] | None:
    if folder is None:
        return None
    return list(msgspec.json.decode((folder / "import.json").read_bytes())["bbox"])


async def until_stopped(seconds: float | None = None) -> None:
    """Until Ctrl-C, SIGTERM, or so many seconds."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def up(options: argparse.Namespace) -> int:
    """Runs until stopped. The map is imported at the first start if the city names one."""
    city = find_city(options.city)
    lock = InstanceLock(home_dir() / "run" / city.id)
    lock.acquire()
    folder = (
        imported(city, source_path(city.map.source, city_path(options.city).parent), progress)
        if city.map.source
        else None
    )
    env = demo_env("reader", prepare_tiles(lock.run_dir, city.id, folder), bbox_of(folder), None)
    instance = Instance(lock.run_dir, city.id, city_path(options.city), options.port, env, say)
    try:
        await instance.start_engines()
        if folder is not None:
            await load_once(instance.settings.database, folder)
            await stand_up(instance.settings.database, city.id, folder)
        await instance.start_kernel()
        say(f"{city.name.get('en', city.id)} is up at {instance.url}")
        await say_first_link(instance)
        await until_stopped()
    finally:
        await instance.stop()
        lock.release()
    return 0


async def say_first_link(instance: Instance) -> None:
    """While there is no administrator: the one way in, used once, shown to whoever started the city."""
    pool = await connect_pool(instance.settings.database, 1, 1)
    try:
        people = People(pool, SystemClock())
        if not await people.has_administrator():
            link = f"{issuer_of(instance.settings)}/join/{await invited(pool)}"
            say(f"  nobody administers it yet. Within a day, once: {link}")
    finally:
        await pool.close()


async def load_once(dsn: str, folder: Path) -> None:
    """Loads the import when this database does not have it yet."""
    pool = await connect_pool(dsn, 1, 1)
    try:
        if await pool.fetchval("SELECT 1 FROM counter WHERE name = $1", f"loaded:{folder.name}"):
            return
        total = await load_entities(dsn, read_entities(folder / "entities.ndjson"))
        await pool.execute("INSERT INTO counter VALUES ($1, $2) ON CONFLICT DO NOTHING", f"loaded:{folder.name}", total)
    finally:
        await pool.close()
