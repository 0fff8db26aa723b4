"""What stands most comes first, accidents go when they are solved, a note is kept and shown."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(FOLDER.parent))

from madang.sdk.testing import FakeCity, Viewer  # noqa: E402
from road_desk.app import accidents, app  # noqa: E402

EN = Viewer(language="en")


def loop(name: str, occupancy: float) -> dict[str, Any]:
    return {
        "id": f"urn:ngsi-ld:TrafficFlowObserved:x:{name}",
        "type": "TrafficFlowObserved",
        "intensity": 3,
        "occupancy": occupancy,
    }


async def test_the_desk_shows_jams_accidents_and_notes() -> None:
    accidents.clear()
    crash = {
        "id": "urn:ngsi-ld:RoadAccident:x:1",
        "type": "RoadAccident",
        "status": "onGoing",
        "description": "A van stands",
    }
    async with FakeCity(app, FOLDER) as city:
        await city.put(loop("quiet", 0.1), loop("jammed", 0.9), loop("jammed", 0.5), crash)
        await city.advance(minutes=2)
        before = (await city.page("/", EN)).body.decode()
        reply = await city.page("/", EN, form={"note": "Send a <tow> truck"})
        await city.put({"id": crash["id"], "type": "RoadAccident", "status": "solved"})
        after = (await city.page("/", EN)).body.decode()
        widget = (await city.page("/widget", EN)).body.decode()
    assert before.index("jammed") < before.index("quiet") and "70%" in before and "A van stands" in before
    assert (reply.status, reply.location) == (303, "/")
    assert "A van stands" not in after and "Send a &lt;tow&gt; truck" in after and ">1<" in widget
