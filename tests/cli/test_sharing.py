"""Two apps of one service on halves of a city: each commands in its own half, and nobody else's changes anything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from madang.cli.sharing import Sharing
from madang.model.entity import Entity
from madang.model.formula import Area
from madang.store.choice.choices import Choice

NOW = datetime(2026, 11, 22, tzinfo=UTC)
WEST = Area("west", (((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)),))
EAST = Area("east", (((1.0, 0.0), (2.0, 0.0), (2.0, 1.0), (1.0, 1.0), (1.0, 0.0)),))
PLACES = {"urn:w": [0.5, 0.5], "urn:e": [1.5, 0.5], "urn:out": [9.0, 9.0]}


def device(name: str) -> list[Any]:
    if name not in PLACES:
        return []
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": PLACES[name]}}
    return [Mock(entity=Entity(name, ["TrafficSignalController"], {"location": place}))]


async def sharing(areas: dict[str, str], apps: list[str]) -> Sharing:
    choice = Choice("c", "signal-control", apps, 1, areas, "person:x", NOW, None)
    offered = {"signal-control": [("org.a", {}), ("org.b", {})], "parking": [("org.p", {})]}
    store = Mock(list_by_id=AsyncMock(side_effect=lambda ids: device(ids[0])))
    found = Sharing(
        AsyncMock(return_value={"signal-control": choice}),
        AsyncMock(return_value=offered),
        lambda: {"west": WEST, "east": EAST},
        store,
    )
    await found.look()
    return found


@pytest.mark.parametrize(
    ("who", "instead"),
    [
        ("app:org.a", {"urn:w": "", "urn:e": "org.b", "urn:out": "", "urn:none": ""}),
        ("app:org.b", {"urn:w": "org.a", "urn:e": "", "urn:out": "org.a", "urn:none": "org.a"}),
        ("app:org.p", dict.fromkeys((*PLACES, "urn:none"), "")),
        ("person:org.b", dict.fromkeys((*PLACES, "urn:none"), "")),
    ],
)
async def test_each_app_serves_its_areas_and_the_first_what_lies_in_none(who: str, instead: dict[str, str]) -> None:
    shared = await sharing({"west": "org.a", "east": "org.b"}, ["org.a", "org.b"])
    assert {target: await shared.instead(who, target) for target in instead} == instead


async def test_the_one_that_was_picked_serves_everywhere() -> None:
    picked = await sharing({}, ["org.b"])
    assert [await picked.instead(f"app:{app}", "urn:w") for app in ("org.a", "org.b")] == ["org.b", ""]


async def test_where_nobody_chose_everybody_serves() -> None:
    store: Any = Mock(list_by_id=AsyncMock(side_effect=AssertionError))
    found = Sharing(AsyncMock(return_value={}), AsyncMock(return_value={}), dict, store)
    await found.look()
    assert await found.instead("app:org.a", "urn:w") == ""
