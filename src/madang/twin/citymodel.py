"""A city model becomes buildings of the city: entity, shape and tiles under one id, in batches, so that a file of any length fits.

Guaranteed: what is the same as before is not written, so a second import of a file changes nothing; the entity is written before its
shape, so whatever an import that died left undone is done by the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import asyncpg

from madang.base.errors import MadangError
from madang.base.limits import CITYMODEL_BATCH_BUILDINGS
from madang.context.writer import Writer
from madang.ingest.citymodel.shape import LeftOut, Shape
from madang.model.context import CORE
from madang.model.entity import parse_entity
from madang.model.operations import Append
from madang.twin.scene.making import make_tiles
from madang.twin.shape.building import Building, buildings_of
from madang.twin.shape.frame import Projection
from madang.twin.shape.store import digests, drop_gone, put

LOCK = 0x4D41_4454
Progress = Callable[[str, int], None]


@dataclass(slots=True)
class Report:
    """What an import did: buildings that were `read`, of those `new`, `changed` and the `same` as before; shapes `gone` because their
    entities are; `tiles` that changed; by `lods` and `height_sources` how the buildings are known."""

    read: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    gone: int = 0
    tiles: int = 0
    lods: dict[str, int] = field(default_factory=dict)
    height_sources: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, dict[str, Any]] = field(default_factory=dict)


def quiet(step: str, number: int) -> None:
    """Progress that nobody hears."""


class Import:
    """One import into one city. `writer` None: the entities are there already."""

    def __init__(self, pool: asyncpg.Pool, writer: Writer | None, city: str, progress: Progress = quiet) -> None:
        self._pool, self._writer, self._city, self._progress = pool, writer, city, progress
        self._seen: set[int] = set()
        self.report, self.left_out = Report(), LeftOut()

    async def run(self, shapes: Iterator[Shape], projection: Projection) -> Report:
        """One import at a time in a city; another waits. Raises what the writer says."""
        async with self._pool.acquire() as connection:
            await connection.execute("SELECT pg_advisory_lock($1)", LOCK, timeout=None)
            try:
                while batch := list(islice(shapes, CITYMODEL_BATCH_BUILDINGS)):
                    await self._keep(list(buildings_of(batch, projection, self._city, self.left_out)))
                    self._progress("buildings", self.report.read)
                self.report.gone = await drop_gone(self._pool)
                self.report.tiles = await make_tiles(self._pool, self._share)
            finally:
                await connection.execute("SELECT pg_advisory_unlock($1)", LOCK)
        self.report.left_out = self.left_out.told()
        return self.report

    def _share(self, share: float) -> None:
        self._progress("tiles", round(share * 100))

    async def _keep(self, buildings: Sequence[Building]) -> None:
        fresh = [one for one in buildings if self._first(one)]
        before = await digests(self._pool, [one.id for one in fresh])
        todo = [one for one in fresh if before.get(one.id) != one.digest]
        self._count(fresh, todo, before)
        if not todo:
            return
        if self._writer is not None:
            await self._write(self._writer, todo)
        await put(self._pool, todo)

    def _first(self, one: Building) -> bool:
        """Of two with one id the first counts."""
        key = hash(one.id)
        if key in self._seen:
            self.left_out.add("building that was told before under the same id", one.id)
            return False
        self._seen.add(key)
        return True

    async def _write(self, writer: Writer, todo: Sequence[Building]) -> None:
        """Appends, so that live attributes of a building that is already there stay."""
        operations = [Append(parse_entity(one.entity, CORE), create=True) for one in todo]
        for outcome in await writer.submit_many(operations):
            if isinstance(outcome, MadangError):
                raise outcome

    def _count(self, fresh: Sequence[Building], todo: Sequence[Building], before: dict[str, Any]) -> None:
        report = self.report
        report.read += len(fresh)
        report.same += len(fresh) - len(todo)
        report.changed += sum(one.id in before for one in todo)
        report.new += sum(one.id not in before for one in todo)
        for one in fresh:
            source = one.entity["height"]["heightSource"]
            report.lods[one.lod] = report.lods.get(one.lod, 0) + 1
            report.height_sources[source] = report.height_sources.get(source, 0) + 1
