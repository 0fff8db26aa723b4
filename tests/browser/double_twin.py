"""The twin of the double's toy city: towers in a row, as tiles made by the product's own code. Not part of the product."""

from __future__ import annotations

import gzip
from typing import Any

from double_ground import BBOX, CITY
from shapely import box
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from madang.twin.scene.blocks import block_of
from madang.twin.scene.cells import LEAF, LEVELS, ancestor, cell_at
from madang.twin.scene.glb import glb
from madang.twin.scene.making import placed, region_of
from madang.twin.scene.tileset import SPLIT, Tile, part, whole
from madang.twin.shape.triangles import prism

MIDDLE = ((BBOX[0] + BBOX[2]) / 2, (BBOX[1] + BBOX[3]) / 2)
GROUND_M = 12.0
TOWERS = 5


def building(number: int) -> dict[str, Any]:
    """A row of `twin_shape`: 24 m by 24 m, 20 m and more high, 60 m from the next to the east."""
    height_m = 20.0 + 10 * number
    mesh = prism([box(-12, -12, 12, 12)], height_m)
    assert mesh is not None
    return {
        "id": f"urn:ngsi-ld:Building:{CITY}:tower{number}", "longitude": MIDDLE[0] + 0.0011 * number, "latitude": MIDDLE[1],
        "base_m": GROUND_M, "height_m": height_m, "block": block_of(mesh), "mesh": mesh,
    }  # fmt: skip


ROWS = [building(number) for number in range(TOWERS)]
ENTITIES = [
    {
        "id": row["id"], "type": "Building", "name": f"Tower {number}", "height": row["height_m"], "floorsAboveGround": 6 + number,
        "location": {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]},
    }
    for number, row in enumerate(ROWS)
]  # fmt: skip


def rows_in(level: int, cell: int) -> list[dict[str, Any]]:
    return [row for row in ROWS if cell_at(row["longitude"], row["latitude"], level) == cell]


def tiles() -> list[Tile]:
    leaves = {cell_at(row["longitude"], row["latitude"]) for row in ROWS}
    cells = [(level, cell) for level in LEVELS for cell in sorted({ancestor(leaf, LEAF, level) for leaf in leaves})]
    return [Tile(level, cell, tuple(region_of(rows_in(level, cell)))) for level, cell in cells]


async def tileset(_: Request) -> Response:
    return JSONResponse(whole(tiles()))


async def tile(request: Request) -> Response:
    level, (cell, _, kind) = request.path_params["level"], request.path_params["name"].partition(".")
    if kind == "json":
        (top,) = [one for one in tiles() if (one.level, one.cell) == (SPLIT, int(cell))]
        return JSONResponse(part(top, [one for one in tiles() if one.level > SPLIT]))
    rows = rows_in(level, int(cell))
    data = gzip.compress(glb(placed(level, int(cell), rows, [row["mesh"] for row in rows])))
    return Response(data, headers={"content-encoding": "gzip"}, media_type="model/gltf-binary")


async def sun(request: Request) -> Response:
    """It stands in the south-west, 30 degrees high, all day."""
    day = request.query_params["date"]
    return JSONResponse(
        [{"at": f"{day}T{hour:02}:00:00.000Z", "azimuth": 225.0, "elevation": 30.0} for hour in range(24)]
    )


async def view(_: Request) -> Response:
    return JSONResponse({"clear": False, "distance": 100.0, "hiddenBy": ROWS[1]["id"], "hiddenAt": 40.0})


def routes() -> list[BaseRoute]:
    return [
        Route("/twin/tileset.json", tileset),
        Route("/twin/tiles/{level:int}/{name}", tile),
        Route("/twin/sun", sun),
        Route("/twin/view", view),
    ]
