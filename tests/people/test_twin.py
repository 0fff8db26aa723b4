"""/twin: tiles as they are asked for, and by whom."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import jsonschema
import msgspec
import numpy as np
import pytest
from pyproj import Transformer
from tests.callers import OPERATOR, caller
from tests.twin.gltf import ids, unpacked

from madang.context.writer import Writer
from madang.ingest.citymodel.shape import GROUND, Shape, Surface
from madang.people.http import Request, Response, split_path
from madang.people.twin.door import TwinDoor
from madang.trust.caller import Caller
from madang.trust.policy.subjects import Grant
from madang.twin.citymodel import Import
from madang.twin.shape.frame import Projection

CORNERS = np.array([[200_000, 550_000, 3], [200_020, 550_000, 3], [200_020, 550_012, 3]], float)
SCHEMA: dict[str, Any] = msgspec.json.decode((Path(__file__).parents[1] / "twin/tileset.schema.json").read_bytes())


@pytest.fixture
async def door(pool: asyncpg.Pool, writer: Writer) -> AsyncIterator[TwinDoor]:
    shape = Shape("a", CORNERS, [Surface(GROUND, [[0, 1, 2]])], {}, "1", 9.0, "height")
    await Import(pool, writer, "yard").run(iter([shape]), Projection("EPSG:5186"))
    yield TwinDoor(pool, ZoneInfo("Asia/Seoul"))


async def ask(
    door: TwinDoor, path: str, who: Caller = OPERATOR, method: str = "GET", query: str = "", **headers: str
) -> Response:
    told = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": told}

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    return await door.handle(Request(scope, receive, split_path(path)[1:], who))


async def walk(door: TwinDoor, address: str) -> list[str]:
    """Every address that a viewer comes to from here."""
    document = msgspec.json.decode((await ask(door, address)).body)
    jsonschema.validate(document, SCHEMA)
    found, todo = [address], [document["root"]]
    while todo:
        tile = todo.pop()
        todo += tile.get("children", [])
        uri = tile.get("content", {}).get("uri", "")
        there = httpx.URL(f"http://x{address}").join(uri).path
        found += [there] if uri.endswith("glb") else await walk(door, there) if uri else []
    return found


async def test_a_viewer_comes_to_every_tile(door: TwinDoor) -> None:
    found = await walk(door, "/twin/tileset.json")
    answers = [await ask(door, path, accept_encoding="gzip") for path in found if path.endswith("glb")]
    told = [ids(*unpacked(gzip.decompress(one.body))) for one in answers]
    assert told == [["urn:ngsi-ld:Building:yard:a"]] * 4
    assert {name: value for name, value in answers[0].headers if name != b"etag"} == {
        b"content-type": b"model/gltf-binary",
        b"content-encoding": b"gzip",
        b"vary": b"accept-encoding",
        b"cache-control": b"private, no-cache",
    }


async def test_what_somebody_has_is_not_sent_again(door: TwinDoor) -> None:
    paths = await walk(door, "/twin/tileset.json")
    tags = [dict((await ask(door, path)).headers)[b"etag"].decode() for path in paths]
    again = [await ask(door, path, if_none_match=tag) for path, tag in zip(paths, tags, strict=True)]
    assert [(one.status, one.body) for one in again] == [(304, b"")] * len(paths)


async def test_who_takes_no_gzip_gets_the_tile_as_it_is(door: TwinDoor) -> None:
    (path, *_) = [one for one in await walk(door, "/twin/tileset.json") if one.endswith("glb")]
    plain = await ask(door, path)
    assert plain.body == gzip.decompress((await ask(door, path, accept_encoding="gzip")).body)
    assert b"content-encoding" not in dict(plain.headers)


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (OPERATOR, 200),
        (caller("citizen"), 200),
        (caller("", "device", (Grant("read", "Building"),)), 200),
        (caller("", "device", (Grant("read", "Building", ("height", "location")),)), 200),
        (caller("", "device", (Grant("read", "Building", ("height",)),)), 403),
        (caller("", "device", (Grant("read", "Vehicle"),)), 403),
        (caller("", "anonymous"), 403),
    ],
)
async def test_shapes_are_as_open_as_place_and_height_of_every_building(
    door: TwinDoor, who: Caller, status: int
) -> None:
    assert (await ask(door, "/twin/tileset.json", who)).status == status


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/twin", "GET", 404),
        ("/twin/tiles/16/1.glb", "GET", 404),
        ("/twin/tiles/12/1.json", "GET", 404),
        ("/twin/tiles/16/1.json", "GET", 404),
        ("/twin/tiles/15/1.glb", "GET", 404),
        ("/twin/tiles/x/1.glb", "GET", 404),
        ("/twin/tiles/16/..%2f1.glb", "GET", 404),
        ("/twin/tileset.json", "POST", 405),
    ],
)
async def test_what_is_no_tile(door: TwinDoor, path: str, method: str, status: int) -> None:
    assert (await ask(door, path, method=method)).status == status


HERE = "longitude=127&latitude=37.5&height=1.5&date=2026-06-21&toLongitude=127.001&toLatitude=37.5&toHeight=1.5"


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("sun", HERE, 200),
        ("sunlight", HERE, 200),
        ("view", HERE, 200),
        ("skyline", HERE, 200),
        ("sun", "longitude=127&latitude=37.5", 400),
        ("sun", "longitude=127&latitude=37.5&date=3026-01-01", 400),
        ("sunlight", "longitude=nan&latitude=37.5&height=1&date=2026-06-21", 400),
        ("skyline", "longitude=127&latitude=37.5&height=-1", 400),
        ("view", HERE.replace("toLatitude=37.5", "toLatitude=37.9"), 400),
    ],
)
async def test_what_can_be_asked_of_a_place(door: TwinDoor, path: str, query: str, status: int) -> None:
    assert (await ask(door, f"/twin/{path}", query=query)).status == status


async def test_who_stands_behind_a_house_learns_its_id(door: TwinDoor) -> None:
    """The house of the fixture lies between a place 30 m to the west of it and one as far to the east."""
    (west, east), (south, north) = Transformer.from_crs(5186, 4326, always_xy=True).transform(
        [199_970, 200_050], [550_005] * 2
    )
    query = f"longitude={west}&latitude={south}&height=4&toLongitude={east}&toLatitude={north}&toHeight=4"
    answer = await ask(door, "/twin/view", query=query)
    assert msgspec.json.decode(answer.body).get("hiddenBy") == "urn:ngsi-ld:Building:yard:a"
