"""What docs/apps.md shows runs as it stands there."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from madang.sdk import App
from madang.sdk.testing import FakeCity, Viewer
from tests.test_docs import DOCS, code_blocks

BLOCKS = code_blocks(DOCS / "apps.md", "python")
AIR = "urn:ngsi-ld:AirQualityObserved:x:1"


def run(number: int) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "shown"}
    exec(BLOCKS[number], names)
    return names


async def test_the_first_app_is_the_template_and_the_test_tries_it() -> None:
    template = Path(__file__).parents[2] / "src/madang/sdk/tools/template/app.py"
    shown = [line for line in BLOCKS[0].splitlines() if line.strip() and "request.viewer.language" not in line]
    told = template.read_text(encoding="utf-8").splitlines()
    assert [line for line in shown if line not in told] == []
    assert code_blocks(DOCS.parent / "packaging" / "madang-sdk" / "README.md", "python") == [BLOCKS[0]]
    app, tried = run(0)["app"], run(5)["try_it"]

    @app.each("AirQualityObserved")
    async def add_up(event: Any, state: dict[str, Any]) -> None:
        state["n"] = 1

    commands, entities, state, body = await tried(app, None)
    assert (commands, state, entities[AIR]["pm25"]) == ([], {AIR: {"n": 1}}, 80)
    assert "먼지 지도" in body.decode() and AIR in body.decode()
    async with FakeCity(app, zone="Asia/Seoul") as city:
        await city.put({"id": AIR, "type": "AirQualityObserved", "pm25": 80})
        await city.advance(days=1)
        assert city.entities["urn:ngsi-ld:Alert:dusty:morning"]["description"] == f"{AIR} 80"


async def test_a_form_is_sent_and_shown() -> None:
    async with FakeCity(run(3)["app"]) as city:
        sent = await city.page("/", form={"wish": "a <tree>"})
        shown = (await city.page("/")).body.decode()
    assert (sent.status, sent.location, "<li>a &lt;tree&gt;</li>" in shown) == (303, "/", True)


async def test_the_others_hear_what_they_say(capsys: pytest.CaptureFixture[str]) -> None:
    counts: App = run(1)["app"]
    async with FakeCity(counts) as city:
        await city.put({"id": "urn:x:1", "type": "BikeCounter", "count": 3, "refRoadSegment": {"object": "urn:road"}})
        await city.put({"id": "urn:x:1", "type": "BikeCounter", "count": 4})
        found = city.state("add_up"), city.entities["urn:ngsi-ld:BikeTotal:all"]["bikes"]
    assert found == ({"urn:road": {"bikes": 7}}, 7)
    async with FakeCity(run(2)["app"]) as city:
        await city.put({"id": AIR, "type": "AirQualityObserved", "pm25": 80})
        await city.put({"id": "urn:x:w", "type": "WeatherObserved", "windSpeed": 2.5})
        await city.advance(minutes=11)
        assert city.state("dust_and_wind") == {"": {"last": [{"dust": 80.0, "wind": 2.5}]}}
    parking = {"value": 4, "observedAt": "2026-06-01T06:00:00Z"}
    async with FakeCity(run(4)["app"]) as city:
        await city.put({"id": "urn:x:p", "type": "OffStreetParking", "availableSpotNumber": parking})
        await city.page("/", Viewer())
        await city.until(city.now + timedelta(seconds=1))
    assert capsys.readouterr().out == "urn:x:p 4 2026-06-01T06:00:00Z\n"
