"""No sequence of intents may bring conflicting greens, a green under its minimum, or a change without yellow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from madang.command.interlock import Shown, SignalPlan, find_conflict, first_report, read_plan, refuse_signal
from madang.ingest.sumo.controller import SignalController
from madang.ingest.sumo.plan import build_plan
from madang.ingest.sumo.plan import find_conflict as monitor

T0 = datetime(2026, 6, 1, tzinfo=UTC)
STAGES = {0: "GGrrg", 1: "rrGGr", 2: "rrrrG"}
FOES = [(0, 2), (0, 3), (1, 2), (1, 3), (2, 4), (3, 4), (0, 4), (1, 4)]
JSON: dict[str, Any] = {
    "green": [{"stage": n, "state": s, "duration_s": 20} for n, s in STAGES.items()],
    "conflicts": [[a, b, "b" if (a, b) in ((0, 4), (1, 4)) else ""] for a, b in FOES],
    "minGreen_s": 6, "yellow_s": 3, "allRed_s": 2, "maxRed_s": 120,
}  # fmt: skip
PLAN: SignalPlan = read_plan(JSON)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def shown(stage: int = 0, since: float = 0.0) -> Shown:
    return first_report(STAGES[stage], stage, at(since))


@pytest.mark.parametrize(
    ("value", "now", "reason"),
    [
        ({"stage": 1}, 7, None),
        ({"stage": 0}, 1, None),
        ({"stage": 1}, 5, "minimum_green"),
        ({"stage": 9}, 7, "unknown_stage"),
        ({"stage": -1}, 7, "unknown_stage"),
        ({"stage": True}, 7, "bad_value"),
        ({"stage": "1"}, 7, "bad_value"),
        ({}, 7, "bad_value"),
        ({"state": "GGGGr"}, 7, "conflicting_greens"),
        ({"state": "GGrrG"}, 7, "conflicting_greens"),
        ({"state": "rrGGr"}, 7, None),
        ({"state": "rrGrr"}, 7, "unknown_stage"),
        ({"state": "rrGG"}, 7, "bad_value"),
        ({"state": "rrGGx"}, 7, "bad_value"),
        ({"stage": 0}, 239, None),
        ({"stage": 0}, 241, "maximum_red"),
        ({"stage": 1}, 301, "device_silent"),
    ],
)
def test_table(value: dict[str, Any], now: float, reason: str | None) -> None:
    refusal = refuse_signal(PLAN, shown(), value, at(now))
    assert (refusal.reason if refusal else None) == reason


def test_transition_and_silence_are_refused() -> None:
    changing = first_report("yyrrr", None, at(0))
    refusal = refuse_signal(PLAN, changing, {"stage": 1}, at(1))
    assert refusal is not None and refusal.reason == "in_transition"
    unheard = refuse_signal(PLAN, None, {"stage": 1}, at(1))
    assert unheard is not None and unheard.reason == "device_silent"


def device() -> SignalController:
    states = ["GGrrg", "yyrry", "rrrrr", "rrGGr", "rryyr", "rrrrr", "rrrrG", "rrrry", "rrrrr"]
    program = list(zip(states, [20, 3, 2, 20, 3, 2, 10, 3, 2], strict=True))
    return SignalController(build_plan("c", [(s, float(d)) for s, d in program], 0.0, FOES, frozenset()))


ASK = st.tuples(st.integers(0, 12), st.one_of(st.integers(-1, 4), st.none()), st.integers(1, 60))


@settings(max_examples=80)
@given(st.lists(ASK, max_size=60), st.booleans())
def test_no_sequence_is_unsafe(asks: list[tuple[int, Any, int]], guarded: bool) -> None:
    """With the interlock before it or without: the device alone is safe too."""
    box, history, now, view = device(), [], 1000, None
    for wait, stage, hold in [*asks, (250, None, 1)]:
        for _ in range(wait):
            box.step(now)
            history.append((box.state, box.stage))
            if view is None:
                view = first_report(box.state, box.stage, at(now))
            else:
                view.report(box.state, box.stage, at(now))
            now += 1
        if guarded and stage is not None and refuse_signal(PLAN, view, {"stage": stage}, at(now)):
            continue
        box.command("x", stage, now + hold, now)
    check(history)


def check(history: list[tuple[str, int | None]]) -> None:
    for state, _ in history:
        assert find_conflict(PLAN, state) is None and monitor(state, device().plan.conflicts) is None
    for link in range(5):
        shape = "".join("G" if state[link] in "Gg" else state[link] for state, _ in history)
        runs = [(shape[i], i) for i in range(len(shape)) if i == 0 or shape[i] != shape[i - 1]]
        for (letter, start), (following, end) in pairwise(runs[1:]):
            if letter == "G":
                assert following == "y", "a green ended without yellow"
                assert end - start >= 5, "a green under its minimum"
            if letter == "y":
                assert following == "r" and end - start >= 3, "yellow too short"


@settings(max_examples=60)
@given(st.text(alphabet="GgryX", min_size=5, max_size=5))
def test_accepted_states_have_no_conflict(state: str) -> None:
    if refuse_signal(PLAN, shown(1), {"state": state}, at(30)) is None:
        assert state in STAGES.values() and find_conflict(PLAN, state) is None
