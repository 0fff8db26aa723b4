"""The nearest free car park comes first; nonsense is told as such; the widget counts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(FOLDER.parent))

from madang.sdk.testing import FakeCity, Viewer  # noqa: E402
from parking_finder.app import app, lots  # noqa: E402

EN = Viewer(language="en")


def lot(name: str, free: int, longitude: float) -> dict[str, Any]:
    location = {"type": "Point", "coordinates": [longitude, 37.5]}
    return {
        "id": f"urn:ngsi-ld:OffStreetParking:x:{name}",
        "type": "OffStreetParking",
        "name": name,
        "availableSpotNumber": free,
        "location": location,
    }


async def test_it_finds_the_nearest_with_room() -> None:
    lots.clear()
    async with FakeCity(app, FOLDER) as city:
        await city.put(lot("far", 40, 127.2), lot("near", 2, 127.01), lot("full", 0, 127.0))
        await city.put({"id": lot("near", 0, 0)["id"], "type": "OffStreetParking", "availableSpotNumber": 3})
        page = (await city.page("/", EN, at="37.5, 127.0")).body.decode()
        wrong = (await city.page("/", EN, at="here")).body.decode()
        widget = (await city.page("/widget", EN)).body.decode()
        await city.delete(lot("far", 0, 0)["id"])
        fewer = (await city.page("/widget", EN)).body.decode()
    assert page.index("near") < page.index("far") and "full" not in page and "883 m" in page
    assert "with a comma between" in wrong and ">43<" in widget and ">3<" in fewer
