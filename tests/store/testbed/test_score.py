"""The score from two arms a seed: whole, and as it is signed."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from madang.base.errors import NotFound
from madang.store.testbed.arms import Arm, Cost
from madang.store.testbed.score import difference, score_of
from madang.store.testbed.scorers import find_scorer
from madang.twin.traffic.trips import Travel

TRAVEL = Travel(100, 4, 40.0, 130.0, 20.0, 1.25, 230.0, 3.2)
COST = Cost(2.5, 48_000_000, {"accepted": 90, "refused": 10})


def pair(without_s: float, with_s: float, cost: Cost = COST) -> tuple[Arm, Arm]:
    a, b = replace(TRAVEL, delay_s=without_s), replace(TRAVEL, delay_s=with_s)
    return Arm(a, [], 0, 1_200), Arm(b, [], 0, 1_200, cost=cost)


def test_the_score_tells_each_seed_the_mean_and_the_cost() -> None:
    pairs = {2: pair(42.0, 30.0, replace(COST, cpu_s=3.5, memory_bytes=50_000_000)), 1: pair(40.0, 30.0)}
    app, trial = (
        {"app": "org.example.a", "version": "1.0", "sha256": "00"},
        {"kind": "traffic", "city": "x", "minutes": 20},
    )
    score = score_of(app, trial, find_scorer("traffic"), pairs)
    delay, rest = score["for_people"][0], score["for_people"][1:]
    assert score | {"for_people": []} == app | trial | {
        "format": 1,
        "simulated": True,
        "seeds": [1, 2],
        "for_people": [],
        "costs": [
            {"measure": "cpu", "unit": "s", "value": 3.0},
            {"measure": "memory", "unit": "B", "value": 50_000_000.0},
            {"measure": "commands_accepted", "unit": "1", "value": 90.0},
            {"measure": "commands_refused", "unit": "1", "value": 10.0},
        ],
    }
    assert delay == {
        "measure": "delay",
        "unit": "s",
        "better": "less",
        "without": 41.0,
        "with": 30.0,
        "difference": {"mean": -11.0, "low": -23.706, "high": 1.706},
        "by_seed": [{"seed": 1, "without": 40.0, "with": 30.0}, {"seed": 2, "without": 42.0, "with": 30.0}],
    }
    assert [row["difference"]["mean"] for row in rest] == [0.0] * 6


def test_one_seed_has_no_interval_and_none_has_no_mean() -> None:
    assert difference([-3.0]) == {"mean": -3.0, "low": None, "high": None}
    assert difference([]) == {"mean": None, "low": None, "high": None}


def test_the_interval_is_students() -> None:
    # Five differences of mean 3 and deviation sqrt(2.5): 3 -+ 2.776 * sqrt(2.5) / sqrt(5).
    half = 2.776 * math.sqrt(2.5) / math.sqrt(5)
    assert difference([1, 2, 3, 4, 5]) == {"mean": 3.0, "low": round(3 - half, 6), "high": round(3 + half, 6)}


def test_a_kind_without_a_scorer_is_not_found() -> None:
    with pytest.raises(NotFound, match="there are traffic, alarms"):
        find_scorer("fortune")
