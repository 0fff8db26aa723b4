"""An imported city into the context: every line of entities.ndjson becomes or refreshes an entity."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec

from madang.base.errors import MadangError
from madang.context.snapshot import open_snapshot
from madang.context.writer import Writer
from madang.engine.database import connect_pool
from madang.model.context import CORE
from madang.model.entity import Entity, parse_entity
from madang.model.operations import Append
from madang.twin.citymodel import Import, Report
from madang.twin.shape.frame import Projection
from madang.twin.shape.of_map import CRS, map_shapes

CHUNK = 1_000
MANY = 10_000


def read_entities(path: Path) -> Iterator[Entity]:
    """Entities in concise form, one a line. Raises BadRequest for what is none."""
    with path.open("rb") as lines:
        for line in lines:
            yield parse_entity(msgspec.json.decode(line), CORE)


async def load_entities(dsn: str, entities: Iterator[Entity]) -> int:
    """Appends, so that live attributes of an entity that is already there stay. Raises the first error."""
    pool = await connect_pool(dsn, 1, 2)
    writer = Writer(pool, await open_snapshot(pool))
    writer.start()
    total = 0
    try:
        while chunk := list(islice(entities, CHUNK)):
            for outcome in await writer.submit_many([Append(entity, create=True) for entity in chunk]):
                if isinstance(outcome, MadangError):
                    raise outcome
            total += len(chunk)
        if total >= MANY:  # else the first questions are planned for an empty table
            await pool.execute("VACUUM (ANALYZE) entity", timeout=None)
    finally:
        await writer.stop()
        await pool.close()
    return total


async def stand_up(dsn: str, city: str, folder: Path) -> Report:
    """The buildings of a loaded map get shapes and tiles, so that they can be seen from all sides."""
    pool = await connect_pool(dsn, 1, 4)
    try:
        work = Import(pool, None, city)
        return await work.run(map_shapes(folder / "entities.ndjson", work.left_out), Projection(CRS))
    finally:
        await pool.close()
