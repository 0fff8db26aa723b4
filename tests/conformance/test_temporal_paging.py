"""Partial answers of the temporal interface: 206 and Content-Range (clause 6.3.10)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from operator import gt, lt

import asyncpg
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import open_api

from madang.history.evolution import Evolution
from madang.history.paging import cut
from madang.history.past import open_past
from madang.history.window import Window
from madang.people.ngsi.broker import Broker

ID = "urn:ngsi-ld:Vehicle:h:1"
START, END = "2026-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z"
AFTER = f"timerel=after&timeAt={START}"
BETWEEN = f"timerel=between&timeAt={START}&endTimeAt={END}"


def seen(minute: int) -> dict[str, object]:
    return {"type": "Property", "value": minute, "observedAt": f"2026-08-01T12:{minute:02}:00.000Z"}


def at(minute: int) -> str:
    return f"2026-08-01T12:{minute:02}:00.000Z"


@pytest.fixture
async def small(broker: Broker, pool: asyncpg.Pool) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway whose answers hold ten instances."""
    async with open_api(broker, pool, open_past(pool, 10)) as client:
        speed, fuel = [seen(minute) for minute in range(8)], [seen(minute) for minute in range(4, 12)]
        await client.post("temporal/entities", json={"id": ID, "type": "Vehicle", "speed": speed, "fuel": fuel})
        yield client


@pytest.mark.parametrize(
    ("asked", "covered", "speed", "fuel"),
    [
        ("", f"{at(0)}-{at(6)}/*", range(7), range(4, 7)),
        (AFTER, f"{START}-{at(6)}/*", range(7), range(4, 7)),
        (f"timerel=before&timeAt={END}", f"{at(0)}-{at(6)}/*", range(7), range(4, 7)),
        (BETWEEN, f"{START}-{at(6)}/*", range(7), range(4, 7)),
        ("lastN=6", f"{at(11)}-{at(4)}/6", range(4, 8), range(6, 12)),
        (f"{AFTER}&lastN=6", f"{at(11)}-{at(4)}/6", range(4, 8), range(6, 12)),
        (f"{BETWEEN}&lastN=6", f"{END}-{at(4)}/6", range(4, 8), range(6, 12)),
    ],
)
async def test_what_is_too_much_goes_out_in_parts(
    small: httpx.AsyncClient, asked: str, covered: str, speed: range, fuel: range
) -> None:
    answer = await small.get(f"temporal/entities/{ID}?{asked}&options=temporalValues")
    assert (answer.status_code, answer.headers["content-range"]) == (206, f"date-time {covered}")
    found = {name: [value for value, _ in answer.json()[name]["values"]] for name in ("speed", "fuel")}
    assert found == {"speed": list(speed), "fuel": list(fuel)}


async def test_an_attribute_that_has_nothing_in_this_part_stays(small: httpx.AsyncClient) -> None:
    body = {"late": [seen(minute) for minute in range(20, 40)]}
    await small.post(f"temporal/entities/{ID}/attrs", json=body)
    answer = await small.get(f"temporal/entities/{ID}")
    assert (answer.status_code, answer.json()["late"]) == (206, [])


async def test_what_fits_goes_out_whole(small: httpx.AsyncClient) -> None:
    answer = await small.get(f"temporal/entities/{ID}?lastN=4")
    assert (answer.status_code, "content-range" in answer.headers) == (200, False)


async def test_aggregates_are_never_parted(small: httpx.AsyncClient) -> None:
    answer = await small.get(f"temporal/entities/{ID}?options=aggregatedValues&aggrMethods=totalCount")
    assert (answer.status_code, answer.json()["speed"]["totalCount"][0][0]) == (200, 8)


async def test_a_query_is_parted_too(small: httpx.AsyncClient) -> None:
    when = {"timerel": "after", "timeAt": START}
    query = {"type": "Query", "entities": [{"type": "Vehicle"}], "temporalQ": when}
    answer = await small.post("temporal/entityOperations/query", json=query)
    assert (answer.status_code, answer.headers["content-range"]) == (206, f"date-time {START}-{at(6)}/*")


MINUTES = st.lists(st.integers(0, 30), max_size=30).map(sorted)


def evolution_of(speed: list[int], fuel: list[int]) -> Evolution:
    return {
        name: [(at(minute), place, 0, {"value": minute}) for place, minute in enumerate(minutes)]
        for name, minutes in (("speed", speed), ("fuel", fuel))
    }


def parts(whole: Evolution, window: Window, limit: int) -> list[Evolution]:
    ((part,), covered) = cut([whole], window, limit)
    if covered is None:
        return [part]
    beyond = gt if window.last is None else lt
    rest = {name: [one for one in events if beyond(one[0], covered.end)] for name, events in whole.items()}
    return [part, *parts(rest, window, limit)]


@given(MINUTES, MINUTES, st.integers(1, 20), st.sampled_from([None, 1_000]))
def test_parts_make_up_the_whole(speed: list[int], fuel: list[int], limit: int, last: int | None) -> None:
    """Each part is all there is in its range, and who goes on from its end misses nothing."""
    found = parts(evolution_of(speed, fuel), Window(last=last), limit)
    together = {name: sorted(one for part in found for one in part[name]) for name in ("speed", "fuel")}
    assert together == evolution_of(speed, fuel)
