"""/twin: the city's buildings as 3D Tiles 1.1, and what light and sight are among them. All of it is as open as a building's place and
height are: whoever may not see those of every building is told of none."""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import asyncpg

from madang.base.errors import MadangError, MethodNotAllowed, NotFound
from madang.people.conditional import tagged, with_tag
from madang.people.http import Handler, Request, Response, problem
from madang.people.twin.questions import Questions
from madang.trust.caller import Caller
from madang.twin.scene.cells import LEVELS, range_below
from madang.twin.scene.tileset import SPLIT, Tile, part, whole

SHOWN = ("location", "height")
"""Attributes of a Building that its shape tells."""
_NAME = re.compile(r"(\d{1,15})\.(glb|json)")
_TILES = "SELECT level, cell, region FROM twin_tile WHERE level = $1 AND cell BETWEEN $2 AND $3 ORDER BY cell"
_GLB = "SELECT tag, glb FROM twin_tile WHERE level = $1 AND cell = $2"
_CACHE = (b"cache-control", b"private, no-cache")


class TwinDoor:
    def __init__(self, pool: asyncpg.Pool, zone: ZoneInfo) -> None:
        """`zone`: whose days the sun is asked about."""
        asking = Questions(pool, zone)
        self._pool = pool
        self._questions: dict[str, Handler] = {
            "sun": asking.sun,
            "sunlight": asking.sunlight,
            "view": asking.view,
            "skyline": asking.skyline,
        }

    async def handle(self, request: Request) -> Response:
        try:
            if request.method not in ("GET", "HEAD"):
                raise MethodNotAllowed("the twin can only be read", allow=["GET", "HEAD"])
            require_shapes(request.caller)
            return await self._answer(request)
        except MadangError as error:
            return problem(error)

    async def _answer(self, request: Request) -> Response:
        match request.parts:
            case ["tileset.json"]:
                tiles = [tile for level in LEVELS[:2] for tile in await self._tiles(level, 0, (1 << 2 * level) - 1)]
                return _json(request, whole(tiles))
            case ["tiles", level, name] if (
                level.isdigit() and int(level) in LEVELS and (found := _NAME.fullmatch(name))
            ):
                if found[2] == "glb":
                    return await self._glb(request, int(level), int(found[1]))
                if int(level) == SPLIT:
                    return await self._part(request, int(found[1]))
            case [name] if name in self._questions:
                return await self._questions[name](request)
        raise NotFound("nothing here")

    async def _part(self, request: Request, cell: int) -> Response:
        tops = await self._tiles(SPLIT, cell, cell)
        if not tops:
            raise NotFound("no such tile")
        finer = [level for level in LEVELS if level > SPLIT]
        tiles = [tile for level in finer for tile in await self._tiles(level, *range_below(cell, SPLIT, level))]
        return _json(request, part(tops[0], tiles))

    async def _tiles(self, level: int, first: int, last: int) -> Sequence[Tile]:
        rows = await self._pool.fetch(_TILES, level, first, last)
        return [Tile(row["level"], row["cell"], tuple(row["region"])) for row in rows]

    async def _glb(self, request: Request, level: int, cell: int) -> Response:
        row = await self._pool.fetchrow(_GLB, level, cell)
        if row is None:
            raise NotFound("no such tile")
        headers = [(b"content-type", b"model/gltf-binary"), (b"vary", b"accept-encoding"), _CACHE]
        body = row["glb"]
        if "gzip" in request.header(b"accept-encoding"):
            headers.append((b"content-encoding", b"gzip"))
        else:
            body = gzip.decompress(body)
        return with_tag(request, Response(200, body, headers), f'"{row["tag"]}"'.encode())


def _json(request: Request, told: object) -> Response:
    response = Response.json(told)
    response.headers.append(_CACHE)
    return tagged(request, response)


def require_shapes(caller: Caller) -> None:
    """Raises Forbidden."""
    opened = caller.reads.of_types(("Building",)).opened
    if opened is None or not all(name in opened for name in SHOWN):
        rules = [rule for name in SHOWN for rule in caller.forbidding("read", ("Building",), name)]
        raise caller.refusal("read the shape of every Building", tuple(dict.fromkeys(rules)))
