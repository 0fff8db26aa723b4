"""Which reports are the same, and what may become of an incident."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import BadRequest, Conflict
from madang.operations.incidents import decide
from madang.operations.incidents.incident import SEVERITIES, Change, Incident
from madang.operations.incidents.procedures import procedure_of, read_procedures
from tests.operations.incidents import AGAIN, HERE, NOON, incident

PROCEDURES = read_procedures()
ACCIDENT = PROCEDURES["accident"]
SOON = NOON + timedelta(minutes=5)


def test_what_is_of_one_kind_and_near_in_place_and_time_is_the_same() -> None:
    assert decide.same_as(AGAIN, [incident()], ACCIDENT, SOON) == incident()


@pytest.mark.parametrize(
    ("report", "known", "at"),
    [
        (replace(AGAIN, kind="fire"), incident(), SOON),
        (replace(AGAIN, place=(126.99, 37.566)), incident(), SOON),
        (replace(AGAIN, place=None), incident(), SOON),
        (AGAIN, incident(place=None), SOON),
        (AGAIN, incident(state="resolved"), SOON),
        (AGAIN, incident(merged_into=7), SOON),
        (AGAIN, incident(), NOON + timedelta(hours=2)),
    ],
    ids=["another kind", "far away", "nowhere", "known nowhere", "over", "merged", "long ago"],
)
def test_what_differs_is_another(report: Any, known: Incident, at: Any) -> None:
    assert decide.same_as(report, [known], ACCIDENT, at) is None


def test_of_several_the_nearest_is_meant() -> None:
    far, near = incident(id=1, place=(126.9775, 37.566)), incident(id=2, place=(126.9784, 37.5663))
    assert decide.same_as(AGAIN, [far, near], ACCIDENT, SOON) == near


@given(st.floats(126.97, 126.99), st.floats(37.56, 37.57), st.integers(0, 4_000))
def test_two_are_the_same_exactly_within_the_reach_of_their_procedure(east: float, north: float, later_s: int) -> None:
    report, now = replace(AGAIN, place=(east, north)), NOON + timedelta(seconds=later_s)
    within = decide.metres(HERE, (east, north)) <= ACCIDENT.join_m and later_s <= ACCIDENT.join_s
    assert (decide.same_as(report, [incident()], ACCIDENT, now) is not None) == within


@given(st.sampled_from(SEVERITIES), st.integers(0, 200_000))
def test_the_clock_never_runs_backwards(severity: Any, later_s: int) -> None:
    by = decide.due(ACCIDENT.limits[severity], NOON)
    one = incident(severity=severity, acknowledge_by=by[0], resolve_by=by[1])
    before, after = NOON + timedelta(seconds=later_s), NOON + timedelta(seconds=later_s + 60)
    assert by[0] < by[1]
    assert decide.overdue(one, before) <= decide.overdue(one, after)


def test_limits_pass_one_after_the_other() -> None:
    times = [NOON + timedelta(seconds=s) for s in (180, 181, 7_200, 7_201)]
    told = [decide.overdue(incident(), at) for at in times]
    taken = [decide.overdue(incident(state="acknowledged"), at) for at in times]
    ended = [decide.overdue(incident(state="resolved"), at) for at in times]
    assert (told, taken, ended) == ([0, 1, 1, 2], [0, 0, 0, 2], [0, 0, 0, 0])


def test_a_merge_is_undone_to_what_was() -> None:
    one, other = incident(id=2, state="acknowledged", owner="person:bo"), incident()
    merged = replace(one, **decide.merge(one, other).columns)
    assert replace(merged, **decide.separate(merged).columns) == one


def test_another_severity_counts_from_when_it_was_opened() -> None:
    assert decide.grade(incident(), "critical", ACCIDENT) == Change(
        {
            "severity": "critical",
            "acknowledge_by": NOON + timedelta(seconds=60),
            "resolve_by": NOON + timedelta(seconds=3_600),
        },
        "graded",
        details={"from": "high", "to": "critical"},
    )


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda: decide.acknowledge(incident(state="acknowledged"), "person:bo", NOON), Conflict),
        (lambda: decide.acknowledge(incident(merged_into=7), "person:bo", NOON), Conflict),
        (lambda: decide.assign(incident(state="resolved"), "person:bo"), Conflict),
        (lambda: decide.escalate(incident(state="resolved"), "why"), Conflict),
        (lambda: decide.resolve(incident(), "", [], NOON), BadRequest),
        (lambda: decide.resolve(incident(state="resolved"), "again", [], NOON), Conflict),
        (lambda: decide.reopen(incident(), "why"), Conflict),
        (lambda: decide.reopen(incident(state="resolved"), ""), BadRequest),
        (lambda: decide.merge(incident(), incident()), Conflict),
        (lambda: decide.merge(incident(), incident(id=2, state="resolved")), Conflict),
        (lambda: decide.separate(incident()), Conflict),
    ],
)
def test_what_makes_no_sense_is_refused(act: Callable[[], Change], error: type[Exception]) -> None:
    with pytest.raises(error):
        act()


def test_a_kind_that_is_gone_is_as_any_other() -> None:
    assert procedure_of(PROCEDURES, "earthquake") == PROCEDURES["other"]
