"""The app in a city of paper, under the grants of its own manifest."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(FOLDER.parent))

from dusty.app import app  # noqa: E402

from madang.sdk.testing import FakeCity, Viewer  # noqa: E402


def station(number: int, level: float) -> dict[str, object]:
    return {"id": f"urn:ngsi-ld:AirQualityObserved:city:{number}", "type": "AirQualityObserved", "pm25": level}


async def a_day() -> tuple[str, str]:
    async with FakeCity(app, FOLDER, start="2026-06-01T00:00:00Z") as city:
        await city.put(station(1, 80), station(2, 10))
        seen = await city.page("/", Viewer(language="en"))
        await city.advance(hours=8)
        return seen.body.decode(), str(city.entities["urn:ngsi-ld:Alert:dusty:morning"]["description"])


def test_it_shows_and_tells_where_dust_is() -> None:
    page, alert = asyncio.run(a_day())
    assert "city:1" in page and "city:2" not in page
    assert alert == "urn:ngsi-ld:AirQualityObserved:city:1 80"
