"""`madang city import citymodel FILE... --city C`: city models become buildings of a running city, with counts and what was left out."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from madang.base.city import CityConfig
from madang.base.errors import BadRequest
from madang.cli.cities import find_city
from madang.context.snapshot import open_snapshot
from madang.context.writer import Writer
from madang.engine.database import connect_pool
from madang.engine.settings import home_dir
from madang.ingest.citymodel.columns import Columns, load_columns
from madang.ingest.citymodel.opening import open_model
from madang.ingest.citymodel.placed import CRS, MODELS, place_of, read_model
from madang.twin.citymodel import Import, Report, quiet
from madang.twin.shape.frame import Projection, degrees_per_metre
from madang.twin.shape.terrain import grounded, open_terrain


def import_citymodel(options: argparse.Namespace) -> int:
    """Prints the report of each file, with `--json` as one object a line."""
    city, columns = find_city(options.city), load_columns(options.columns)
    asyncio.run(_import(city, columns, options))
    return 0


async def _import(city: CityConfig, columns: Columns, options: argparse.Namespace) -> None:
    pool = await connect_pool(database_of(city.id), 1, 4)
    writer = Writer(pool, await open_snapshot(pool))
    writer.start()
    try:
        for file in options.file:
            work = Import(pool, writer, city.id, quiet if options.json else _Line())
            _print(file, await _read(work, Path(file), columns, options), options.json)
    finally:
        await writer.stop()
        await pool.close()


async def _read(work: Import, path: Path, columns: Columns, options: argparse.Namespace) -> Report:
    if path.suffix.lower() not in MODELS:
        return await read_file(work, path, columns, options.crs, options.terrain)
    if not options.at:
        raise BadRequest(f"{path.name} has no place of its own; say where it stands: --at LONGITUDE,LATITUDE")
    place = place_of(options.at)
    shape = read_model(path, options.id or path.stem, place, degrees_per_metre(place.latitude, place.ground_m))
    return await work.run(iter([shape]), Projection(CRS))


async def read_file(
    work: Import, path: Path, columns: Columns, crs: str | None = None, terrain: Path | None = None
) -> Report:
    """Raises BadRequest when the file names no reference system and nobody else does."""
    with open_model(path, columns, work.left_out) as model:
        name = crs or model.crs
        if not name:
            raise BadRequest(f"{path.name} names no reference system; name it: --crs EPSG:5186")
        projection = Projection(name)
        if terrain is None:
            return await work.run(model.shapes, projection)
        with open_terrain(terrain) as ground:
            return await work.run(grounded(model.shapes, ground, projection, work.left_out), projection)


def database_of(city: str) -> str:
    """Of the running city, or of its running demo. Raises BadRequest."""
    if "MADANG_DATABASE" in os.environ:
        return os.environ["MADANG_DATABASE"]
    for name in (city, f"demo-{city}"):
        path = home_dir() / "run" / name / "database.dsn"
        if path.exists():
            return path.read_text()
    raise BadRequest(
        f"{city} is not running: start it first (madang up {city}), or name its database by MADANG_DATABASE"
    )


class _Line:
    """One line of progress that is written over."""

    def __call__(self, step: str, number: int) -> None:
        print(f"\r  {number:>9} {'%' if step == 'tiles' else ' '} {step}   ", end="", file=sys.stderr, flush=True)


def _print(file: str, report: Report, as_json: bool) -> None:
    told = asdict(report)
    if as_json:
        print(json.dumps({"file": Path(file).name} | told, ensure_ascii=False), flush=True)
        return
    print(
        f"\r{Path(file).name}: {report.read} buildings: {report.new} new, {report.changed} changed, {report.same} the same"
    )
    print(f"  {report.tiles} tiles made, {report.gone} shapes taken away whose entities are gone")
    for title in ("lods", "height_sources"):
        print(f"  {title.replace('_', ' ')}: " + ", ".join(f"{name} {count}" for name, count in told[title].items()))
    for reason, what in report.left_out.items():
        print(f"  {what['count']:>8}  {reason}   {', '.join(what['examples'][:2])}")
