"""An app that is to notice accidents: what counts as noticed."""

from __future__ import annotations

from typing import Any

from madang.store.testbed.alarms import Alarms, Happening, happenings
from madang.store.testbed.arms import Arm
from madang.twin.traffic.trips import Travel

TRAVEL = Travel(10, 1, 30.0, 90.0, 12.0, 1.5, 200.0, 3.0)
BUSY = {"kind": "accident", "lon": 24.94, "lat": 60.17}


def told(name: str, status: str, time: str) -> dict[str, Any]:
    return BUSY | {"id": name, "status": status, "time": time}


def alert(lon: float, lat: float, issued: str) -> dict[str, Any]:
    return {"id": "urn:ngsi-ld:Alert:x", "location": {"type": "Point", "coordinates": [lon, lat]}, "dateIssued": issued}


TRUTH = [
    told("a", "onGoing", "2026-06-01T04:32:00Z"),
    told("a", "solved", "2026-06-01T04:36:00Z"),
    told("b", "onGoing", "2026-06-01T04:40:00Z"),
]


def values(*said: dict[str, Any]) -> dict[str, float | None]:
    found = Alarms().values(Arm(TRAVEL, TRUTH, 27_000, 27_900, list(said)))
    return {name: found[name] for name in ("alarms_found", "alarms_false", "alarm_after")}


def test_an_accident_lasts_until_it_is_solved() -> None:
    assert list(happenings(TRUTH)) == [
        Happening((24.94, 60.17), 1_780_288_320.0, 1_780_288_560.0),
        Happening((24.94, 60.17), 1_780_288_800.0, float("inf")),
    ]


def test_an_alarm_near_it_in_its_time_is_true_and_counts_once() -> None:
    first, again = alert(24.941, 60.17, "2026-06-01T04:33:00Z"), alert(24.94, 60.171, "2026-06-01T04:37:59Z")
    assert values(first, again) == {"alarms_found": 0.5, "alarms_false": 0.0, "alarm_after": 60.0}


def test_too_far_too_early_and_without_a_place_is_false_or_nothing() -> None:
    far, early = alert(24.95, 60.17, "2026-06-01T04:33:00Z"), alert(24.94, 60.17, "2026-06-01T04:31:59Z")
    nowhere = {"id": "urn:ngsi-ld:Alert:y", "dateIssued": "2026-06-01T04:33:00Z"}
    assert values(far, early, nowhere) == {"alarms_found": 0.0, "alarms_false": 2.0, "alarm_after": None}


def test_typed_times_and_attributes_in_long_form_are_read() -> None:
    place = {"value": {"type": "Point", "coordinates": [24.94, 60.17]}}
    issued = {"value": {"@type": "DateTime", "@value": "2026-06-01T04:41:00Z"}}
    assert values({"location": place, "dateIssued": issued})["alarm_after"] == 60.0


def test_the_same_seed_makes_the_same_accidents_within_the_time() -> None:
    script = Alarms().script(3, 1_200)
    assert script == Alarms().script(3, 1_200) != Alarms().script(4, 1_200)
    assert [one["at_s"] // 300 for one in script] == [0, 1, 2, 3][: len(script)]
    assert all(60 <= one["at_s"] < 1_200 - 180 for one in script)
