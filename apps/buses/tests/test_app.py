"""The whole app in a city of paper: vehicles bunch, the one in between waits; a dispatcher may want to be asked."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(FOLDER.parent))

from buses.app import Desk, make_app  # noqa: E402
from madang.sdk import App, value_of  # noqa: E402
from madang.sdk.testing import FakeCity, Viewer  # noqa: E402

EN = Viewer(roles=frozenset({"operator"}), language="en")
ROUTE = "urn:ngsi-ld:PublicTransportRoute:x:r7"
STOPS = [f"urn:ngsi-ld:PublicTransportStop:x:n{number}" for number in range(3)]
LINE = {
    "id": ROUTE,
    "type": "PublicTransportRoute",
    "shortRouteCode": "7",
    "refPublicTransportStops": {"object": STOPS},
}
PLACES = [{"id": stop, "type": "PublicTransportStop", "name": f"Stop {n}"} for n, stop in enumerate(STOPS)]


class Street:
    """Vehicles that say where they are, at the city's time."""

    def __init__(self, city: FakeCity) -> None:
        self.city = city

    async def say(self, name: str, stop: int, status: str, riders: int = 0) -> None:
        body = {
            "id": f"urn:ngsi-ld:Vehicle:x:{name}",
            "type": "Vehicle",
            "refPublicTransportRoute": {"object": ROUTE},
            "refPublicTransportStop": {"object": STOPS[stop]},
            "stopStatus": {"value": status, "observedAt": self.city.now.isoformat()},
            "passengers": riders,
        }
        await self.city.put(body)

    async def call(self, name: str, stop: int, seconds: float = 20) -> None:
        """Stand at a stop for so long, then go on."""
        await self.say(name, stop, "STOPPED_AT")
        await self.city.advance(seconds=seconds)
        await self.say(name, stop, "IN_TRANSIT_TO")


async def bunch(street: Street) -> None:
    """A line of a vehicle each 200 s, on which the second gains on the first, and the third keeps its time."""
    for name in ("zero", "one", "two"):
        await street.call(name, 0)
        await street.city.advance(seconds=180)
    await street.call("zero", 2)
    await street.call("one", 1)
    await street.call("three", 0, 20)
    await street.city.advance(seconds=20)
    await street.say("two", 1, "STOPPED_AT", 12)
    await street.city.advance(seconds=2)


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_who_is_too_near_waits_at_its_stop(desk: Desk) -> None:
    async with FakeCity(make_app(App(), desk), FOLDER, [LINE, *PLACES]) as city:
        await bunch(Street(city))
        asked = [one for one in city.commands if one["kind"] == "transit.hold"]
        page = (await city.page("/", EN)).body.decode()
    assert [(one["target"], one["value"]["stop"], one["rank"]) for one in asked] == [
        ("urn:ngsi-ld:Vehicle:x:two", STOPS[1], "transit_priority")
    ]
    assert 10 <= asked[0]["value"]["hold_s"] <= 90
    assert "at Stop 1" in page and "12" in page and "7 · every 3 min · 4 on the road" in page


async def test_a_dispatcher_may_want_to_be_asked(desk: Desk) -> None:
    async with FakeCity(make_app(App(), desk), FOLDER, [LINE, *PLACES]) as city:
        await city.page("/", EN, {"mode": "ask"})
        await bunch(Street(city))
        before, waiting = list(city.commands), (await city.page("/", EN)).body.decode()
        await city.page("/", EN, {"vehicle": "urn:ngsi-ld:Vehicle:x:two", "answer": "accept"})
        after = (await city.page("/", EN)).body.decode()
        kept = value_of(city.entities["urn:ngsi-ld:TransitDispatch:x:desk"]["mode"])
    assert (before, len(city.commands), city.commands[0]["reason"]["code"]) == ([], 1, "dispatcher")
    assert "Accept" in waiting and "Accept" not in after and ">sent<" in after and kept == "ask"


async def test_what_is_declined_is_not_sent(desk: Desk) -> None:
    async with FakeCity(make_app(App(), desk), FOLDER, [LINE, *PLACES]) as city:
        await city.page("/", EN, {"mode": "ask"})
        await bunch(Street(city))
        await city.page("/", EN, {"vehicle": "urn:ngsi-ld:Vehicle:x:two", "answer": "decline"})
        page = (await city.page("/", EN)).body.decode()
    assert city.commands == [] and "declined by the dispatcher" in page


async def test_it_tells_who_comes_when_and_how_far_off_it_was(desk: Desk) -> None:
    async with FakeCity(make_app(App(), desk), FOLDER, [LINE, *PLACES]) as city:
        street = Street(city)
        await street.call("one", 0)
        await city.advance(seconds=40)
        told = dict(city.entities["urn:ngsi-ld:ArrivalEstimation:x:r7-n1"])
        await city.advance(seconds=50)
        await street.say("one", 1, "STOPPED_AT")
        page = (await city.page("/", EN)).body.decode()
    assert told == {
        "id": "urn:ngsi-ld:ArrivalEstimation:x:r7-n1",
        "type": "ArrivalEstimation",
        "hasStop": {"object": STOPS[1]},
        "refVehicle": {"object": "urn:ngsi-ld:Vehicle:x:one"},
        "lineName": "7",
        "remainingTime": told["remainingTime"],
    }
    assert 0 <= int(told["remainingTime"][2:-1]) <= 60
    assert desk.fleet.lines[ROUTE].profile.run_s[0] == pytest.approx(90)
    assert "within 1 min" in page and "within 3 min" in page


async def test_a_city_without_vehicles_says_so_in_both_languages(desk: Desk) -> None:
    async with FakeCity(make_app(App(), desk), FOLDER, [LINE, *PLACES]) as city:
        pages = [(await city.page("/", Viewer(language=one))).body.decode() for one in ("ko", "en")]
    assert ["지금 운행 중인 차가 없습니다" in pages[0], "No vehicle is on the road" in pages[1]] == [True, True]
