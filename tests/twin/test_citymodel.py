"""A city model into a real database: one id end to end, nothing written twice, only touched tiles made anew."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import pytest
from tests.conftest import shared
from tests.twin.gltf import faults, ids, unpacked

from madang.context.writer import Writer
from madang.ingest.citymodel.columns import Columns
from madang.ingest.citymodel.opening import open_model
from madang.ingest.citymodel.shape import GROUND, LeftOut, Shape, Surface
from madang.model.removals import Delete
from madang.twin.citymodel import Import, Report
from madang.twin.scene.cells import LEAF, LEVELS
from madang.twin.shape.frame import Projection
from madang.twin.shape.of_map import map_shapes

CORNERS = np.array([[0, 0, 0], [20, 0, 0], [20, 12, 0], [0, 12, 0]], float)


def house(local: str, east: float, height_m: float = 9.0, **attributes: Any) -> Shape:
    points = CORNERS + np.array([200_000 + east, 550_000, 3])
    return Shape(local, points, [Surface(GROUND, [[0, 1, 2, 3]])], attributes, "1", height_m, "height")


async def take(pool: asyncpg.Pool, writer: Writer | None, *shapes: Shape) -> Report:
    return await Import(pool, writer, "yard").run(iter(shapes), Projection("EPSG:5186"))


async def tags(pool: asyncpg.Pool) -> dict[tuple[int, int], str]:
    return {
        (row["level"], row["cell"]): row["tag"] for row in await pool.fetch("SELECT level, cell, tag FROM twin_tile")
    }


async def shown(pool: asyncpg.Pool) -> list[str]:
    """The ids that the finest tiles tell."""
    rows = await pool.fetch("SELECT glb FROM twin_tile WHERE level = $1 ORDER BY cell", LEAF)
    return sorted(one for row in rows for one in ids(*unpacked(gzip.decompress(row["glb"]))))


async def test_one_id_end_to_end(pool: asyncpg.Pool, writer: Writer) -> None:
    report = await take(pool, writer, house("a 1", 0, name="시청"), house("b", 2_000), house("b", 2_000, 7))
    entity = await pool.fetchval("SELECT body FROM entity WHERE id = 'urn:ngsi-ld:Building:yard:a_1'")
    assert {name: one["value"] for name, one in entity.items() if name != "location"} == {"name": "시청", "height": 9.0}
    assert await shown(pool) == ["urn:ngsi-ld:Building:yard:a_1", "urn:ngsi-ld:Building:yard:b"]
    told = {
        "building that was told before under the same id": {"count": 1, "examples": ["urn:ngsi-ld:Building:yard:b"]}
    }
    assert asdict(report) == {
        "read": 2, "new": 2, "changed": 0, "same": 0, "gone": 0, "tiles": 7, "lods": {"1": 2}, "height_sources": {"height": 2},
        "left_out": told,
    }  # fmt: skip


async def test_the_same_again_changes_nothing(pool: asyncpg.Pool, writer: Writer) -> None:
    await take(pool, writer, house("a", 0), house("b", 2_000))
    before, seq = await tags(pool), await pool.fetchval("SELECT max(seq) FROM history")
    report = await take(pool, writer, house("a", 0), house("b", 2_000))
    assert (report.same, report.new, report.changed, report.tiles) == (2, 0, 0, 0)
    assert (await tags(pool), await pool.fetchval("SELECT max(seq) FROM history")) == (before, seq)


async def test_only_touched_tiles_and_those_above_are_made_anew(pool: asyncpg.Pool, writer: Writer) -> None:
    await take(pool, writer, house("a", 0), house("b", 20_000))
    before = await tags(pool)
    report = await take(pool, writer, house("a", 0, 30))
    after = await tags(pool)
    changed = sorted(level for (level, cell), tag in after.items() if before[level, cell] != tag)
    assert (report.changed, changed, len(after)) == (1, list(LEVELS), 7)


async def test_a_building_that_moved_leaves_its_tile(pool: asyncpg.Pool, writer: Writer) -> None:
    await take(pool, writer, house("a", 0))
    before = await tags(pool)
    await take(pool, writer, house("a", 20_000))
    assert (set(before) & set(await tags(pool)), await shown(pool)) == (
        {(10, next(iter(before))[1])},
        ["urn:ngsi-ld:Building:yard:a"],
    )


async def test_a_deleted_building_leaves_the_tiles_at_the_next_import(pool: asyncpg.Pool, writer: Writer) -> None:
    await take(pool, writer, house("a", 0), house("b", 0))
    await writer.submit(Delete("urn:ngsi-ld:Building:yard:a"))
    report = await take(pool, writer)
    assert (report.gone, await shown(pool)) == (1, ["urn:ngsi-ld:Building:yard:b"])


async def test_what_a_death_left_undone_is_done_by_the_next(pool: asyncpg.Pool, writer: Writer) -> None:
    def dying() -> Iterator[Shape]:
        yield from (house(str(n), n * 30) for n in range(600))
        raise OSError("the disk went away")

    with pytest.raises(OSError, match="went away"):
        await Import(pool, writer, "yard").run(dying(), Projection("EPSG:5186"))
    report = await take(pool, writer, *(house(str(n), n * 30) for n in range(600)))
    assert (report.same, report.new, len(await shown(pool))) == (500, 100, 600)


async def test_a_real_city_has_no_fault(pool: asyncpg.Pool, writer: Writer, tmp_path: Path) -> None:
    """Zurich, LOD2: what Khronos' validator says of every tile."""
    work = Import(pool, writer, "yard")
    with open_model(shared("citymodel/zurich-lod2.city.json"), Columns(), work.left_out) as model:
        report = await work.run(model.shapes, Projection(model.crs))
    rows = await pool.fetch("SELECT level, cell, glb FROM twin_tile")
    files = [tmp_path / f"{row['level']}-{row['cell']}.glb" for row in rows]
    for file, row in zip(files, rows, strict=True):
        file.write_bytes(gzip.decompress(row["glb"]))
    assert (report.new, len(await shown(pool)), faults(files)) == (49, 49, [])


MAP: Sequence[bytes] = (
    b'{"id":"urn:ngsi-ld:Building:yard:w1","type":"Building","height":{"value":8.5,"unitCode":"MTR","heightSource":"levels"},'
    b'"location":{"type":"Polygon","coordinates":[[[24.94,60.17],[24.941,60.17],[24.941,60.171],[24.94,60.17]]]}}',
    b'{"id":"urn:ngsi-ld:RoadSegment:yard:w2","type":"RoadSegment"}',
)


def test_buildings_of_a_map_stand_as_high_as_it_says(tmp_path: Path) -> None:
    (tmp_path / "entities.ndjson").write_bytes(b"\n".join(MAP))
    left_out = LeftOut()
    (shape,) = map_shapes(tmp_path / "entities.ndjson", left_out)
    assert (shape.id, shape.height_m, len(shape.points), left_out.told()) == ("w1", 8.5, 4, {})
