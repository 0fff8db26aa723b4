"""Real sensors as SensorThings, whole objects compared; the filter language by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.callers import door as anonymous_door
from tests.conftest import Nothing, shared

from madang.base.errors import BadRequest
from madang.cli.replay import feed, load_mapping
from madang.context.observed import Observed
from madang.history.past import open_past
from madang.ingest.deadletters import DeadLetters
from madang.people.gateway import Gateway
from madang.people.ngsi.broker import Broker
from madang.people.openapi.document import describe
from madang.people.sensorthings.filters import parse_filter
from madang.people.sensorthings.mapping import SETS
from madang.people.sensorthings.routes import SensorThings

FIXTURE = Path(__file__).resolve().parents[1] / "fixtures" / "santander.toml"
BASE = "http://localhost:8600/sensorthings/v1.1"
ID = "urn:ngsi-ld:Device:santander:419"
THING = f"{BASE}/Things('{ID}')"
STREAM = f"{BASE}/Datastreams('{ID};temperature')"
WHEN = "2016-04-11T13:24:19.000Z"
PLACE = {"type": "Point", "coordinates": [-3.79716, 43.46469]}


def door(broker: Broker, pool: asyncpg.Pool, role: str | None) -> httpx.AsyncClient:
    nothing: Any = Nothing()
    things = SensorThings(broker, open_past(pool), Observed(pool))
    app: Any = Gateway(
        nothing, nothing, nothing, nothing, nothing, nothing, nothing, anonymous_door(role or ""), things
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=f"{BASE}/")


@pytest.fixture
async def santander(broker: Broker, pool: asyncpg.Pool) -> AsyncIterator[httpx.AsyncClient]:
    path = shared("sensors/santander-2016-04-11.json")
    rule, where = load_mapping(FIXTURE)
    await feed(path.name, path.read_bytes(), rule, where, broker.writer, DeadLetters(pool))
    async with door(broker, pool, "operator") as client:
        yield client


async def test_the_service_document_names_the_sets(santander: httpx.AsyncClient) -> None:
    told = (await santander.get("")).json()
    names = [
        "Things", "Locations", "Datastreams", "Sensors", "ObservedProperties", "Observations", "FeaturesOfInterest",
    ]  # fmt: skip
    assert told["value"] == [{"name": name, "url": f"{BASE}/{name}"} for name in names]


async def test_a_sensor_is_a_thing_with_its_place(santander: httpx.AsyncClient) -> None:
    found = await santander.get(f"Things('{ID}')", params={"$expand": "Locations"})
    assert found.json() == {
        "@iot.id": ID,
        "@iot.selfLink": THING,
        "name": ID,
        "description": "Device",
        "properties": {"type": ["Device"]},
        "Datastreams@iot.navigationLink": f"{THING}/Datastreams",
        "Locations": [
            {
                "@iot.id": ID,
                "@iot.selfLink": f"{BASE}/Locations('{ID}')",
                "name": ID,
                "description": "Device",
                "encodingType": "application/geo+json",
                "location": PLACE,
                "Things@iot.navigationLink": f"{BASE}/Locations('{ID}')/Things",
            }
        ],
    }


async def test_a_datastream_says_what_of_whom_in_which_unit(santander: httpx.AsyncClient) -> None:
    assert (await santander.get(f"Datastreams('{ID};temperature')")).json() == {
        "@iot.id": f"{ID};temperature",
        "@iot.selfLink": STREAM,
        "name": f"temperature of {ID}",
        "description": f"temperature of Device {ID}",
        "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
        "unitOfMeasurement": {"name": "CEL", "symbol": "CEL", "definition": None},
        "Thing@iot.navigationLink": f"{STREAM}/Thing",
        "Sensor@iot.navigationLink": f"{STREAM}/Sensor",
        "ObservedProperty@iot.navigationLink": f"{STREAM}/ObservedProperty",
        "Observations@iot.navigationLink": f"{STREAM}/Observations",
    }


async def test_what_was_observed_comes_from_history(santander: httpx.AsyncClient, broker: Broker) -> None:
    observation = f"{BASE}/Observations('{ID};temperature;2016-04-11T13:24:19.000Z')"
    found = (await santander.get(f"Datastreams('{ID};temperature')/Observations?$count=true")).json()
    told = {
        "@iot.id": f"{ID};temperature;{WHEN}",
        "@iot.selfLink": observation,
        "phenomenonTime": WHEN,
        "resultTime": WHEN,
        "result": 16.45,
        "Datastream@iot.navigationLink": f"{observation}/Datastream",
        "FeatureOfInterest@iot.navigationLink": f"{observation}/FeatureOfInterest",
    }
    assert found == {"@iot.count": 1, "value": [told]}
    assert (await santander.get(observation)).json() == told
    assert (await santander.get(f"{observation}/FeatureOfInterest")).json()["feature"] == PLACE


async def test_pages_lead_to_all_651(santander: httpx.AsyncClient) -> None:
    seen, url = [], f"{BASE}/Things?$top=200&$select=id&$orderby=id desc&$count=true"
    for _ in range(4):
        page = (await santander.get(url)).json()
        seen += [one["@iot.id"] for one in page["value"]]
        url = page.get("@iot.nextLink", "")
    assert (len(set(seen)), seen, url, page["@iot.count"]) == (651, sorted(seen, reverse=True), "", 651)


async def walk(client: httpx.AsyncClient, url: str) -> list[dict[str, Any]]:
    """Every member, page by page."""
    seen: list[dict[str, Any]] = []
    while url:
        page = (await client.get(url)).json()
        seen += page["value"]
        url = page.get("@iot.nextLink", "")
    return seen


@pytest.mark.parametrize("name", SETS)
async def test_pages_of_the_database_are_those_of_the_whole(santander: httpx.AsyncClient, name: str) -> None:
    read = await walk(santander, f"{BASE}/{name}?$top=900&$expand=")
    sorted_here = await walk(santander, f"{BASE}/{name}?$top=900&$orderby=id")
    assert sorted(read, key=lambda one: str(one["@iot.id"])) == sorted_here
    counted = (await santander.get(f"{name}?$top=0&$count=true")).json()
    assert counted["@iot.count"] == len(read)


@pytest.mark.parametrize("expand", ["", "?$expand=Datastreams"])
async def test_a_property_and_its_datastreams(santander: httpx.AsyncClient, expand: str) -> None:
    found = (await santander.get(f"ObservedProperties('temperature'){expand}")).json()
    streams = await walk(santander, f"{BASE}/ObservedProperties('temperature')/Datastreams?$top=300")
    assert (found["name"], len(found.get("Datastreams", streams)), len(streams)) == ("temperature", 605, 605)


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("Observations?$count=true&$filter=result eq 16.45 and phenomenonTime eq 2016-04-11T13:24:19Z", 1),
        (f"Things?$count=true&$filter=id eq '{ID}' or name eq 'nobody'", 1),
        ("Datastreams?$count=true&$filter=unitOfMeasurement/name eq 'CEL'", 605),
        ("Datastreams?$count=true&$filter=(unitOfMeasurement/name eq 'CEL')&$top=0", 605),
        ("ObservedProperties?$count=true&$filter=name eq 'temperature'", 1),
        ("ObservedProperties('temperature')/Datastreams?$count=true", 605),
    ],
)
async def test_filters(santander: httpx.AsyncClient, path: str, count: int) -> None:
    assert (await santander.get(path)).json()["@iot.count"] == count


PATHS = [path for path in describe()["paths"] if path.startswith("/sensorthings/")]


@pytest.mark.parametrize("path", PATHS)
async def test_every_described_path_leads_somewhere(santander: httpx.AsyncClient, path: str) -> None:
    name = path.split("/")[3].partition("(")[0] if "(" in path else ""
    known = {"ObservedProperties": "temperature", "Datastreams": f"{ID};temperature"}
    known["Observations"] = f"{ID};temperature;{WHEN}"
    answer = await santander.get("http://localhost:8600" + path.format(id=known.get(name, ID)))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Nothings", 404),
        ("Things('urn:x:none')", 404),
        ("Things('urn:x:%00')", 400),
        ("ObservedProperties('%00')", 404),
        (f"Things('{ID}')/Sensor", 404),
        ("Things?$filter=name", 400),
        ("Things?$filter=name eq 'x", 400),
        ("Things?$filter=name like 'x'", 400),
        ("Things?$filter=" + "(" * 100, 403),
        ("Things?$expand=Datastreams/Observations", 400),
        ("Things?$orderby=name sideways", 400),
        ("Things?$top=-1", 400),
        ("Things?limit=3", 400),
    ],
)
async def test_wrong_requests(broker: Broker, pool: asyncpg.Pool, path: str, status: int) -> None:
    async with door(broker, pool, "reader") as client:
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["status"]) == (status, status)


async def test_it_is_for_reading_by_who_may_read(broker: Broker, pool: asyncpg.Pool) -> None:
    async with door(broker, pool, None) as nobody, door(broker, pool, "operator") as operator:
        told = [(await nobody.get("Things")).status_code, (await operator.post("Things", json={})).status_code]
    assert told == [403, 405]


@given(st.text(alphabet="ab'() eqandor1.", max_size=40))
def test_any_filter_is_read_or_refused(text: str) -> None:
    try:
        parse_filter(text)({"a": 1, "b": "x"})
    except BadRequest as error:
        assert error.detail.startswith("$filter")
