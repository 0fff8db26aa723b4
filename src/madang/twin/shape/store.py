"""The table of shapes: what is kept of each building beside its entity."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from madang.twin.scene.blocks import block_of
from madang.twin.scene.cells import cell_at
from madang.twin.shape.building import Building
from madang.twin.shape.mesh import encode

_PUT = """
INSERT INTO twin_shape (id, digest, lod, longitude, latitude, base_m, height_m, block, bulk_m3, cell, mesh)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (id) DO UPDATE SET digest = excluded.digest, lod = excluded.lod, longitude = excluded.longitude, latitude = excluded.latitude,
  base_m = excluded.base_m, height_m = excluded.height_m, block = excluded.block, bulk_m3 = excluded.bulk_m3, cell = excluded.cell,
  mesh = excluded.mesh
"""
_TOUCH = """
INSERT INTO twin_touched SELECT cell FROM twin_shape WHERE id = ANY($1) UNION SELECT unnest($2::bigint[]) ON CONFLICT DO NOTHING
"""
_DROP = """
WITH gone AS (DELETE FROM twin_shape AS shape WHERE NOT EXISTS (SELECT FROM entity WHERE entity.id = shape.id) RETURNING cell),
  touched AS (INSERT INTO twin_touched SELECT DISTINCT cell FROM gone ON CONFLICT DO NOTHING)
SELECT count(*) FROM gone
"""


async def digests(pool: asyncpg.Pool, ids: Sequence[str]) -> dict[str, bytes]:
    """By id, of those that are there."""
    rows = await pool.fetch("SELECT id, digest FROM twin_shape WHERE id = ANY($1)", list(ids))
    return {row["id"]: row["digest"] for row in rows}


async def put(pool: asyncpg.Pool, buildings: Sequence[Building]) -> None:
    """Keeps them; the cells they were and are in are touched."""
    rows = [_row(one) for one in buildings]
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_TOUCH, [row[0] for row in rows], [row[9] for row in rows])
        await connection.executemany(_PUT, rows)


async def drop_gone(pool: asyncpg.Pool) -> int:
    """Takes away the shapes whose entities were deleted; gives how many."""
    return int(await pool.fetchval(_DROP))


def _row(one: Building) -> tuple[str, bytes, str, float, float, float, float, list[float], float, int, bytes]:
    block, height_m = block_of(one.mesh), one.mesh.height_m
    cell = cell_at(one.longitude, one.latitude)
    bulk = block[3] * block[4] * height_m
    return (
        one.id, one.digest, one.lod, one.longitude, one.latitude, one.base_m, height_m, list(block), bulk, cell, encode(one.mesh),
    )  # fmt: skip
