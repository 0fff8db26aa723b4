"""The model played forward: laws that hold for any traffic, and what each of its parts is for."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2]))

from signals.model import Junction, Lane
from signals.plant import ALIKE, make_plant
from signals.rollout import HOLDS_S, NEVER, Model, costs
from signals.sight import Seen, Sight
from signals.traffic import no_traffic

CROSS = Junction(
    "cross",
    stages=("GGr", "rrG"),
    lanes=(Lane("a_0", "a", (0, 1)), Lane("b_0", "b", (2,))),
    min_green_s=(5.0, 5.0),
    all_red_s=0.0,
)
TURN = Junction(
    "turn",
    stages=("Ggr", "rGr", "rrG"),
    lanes=(Lane("a_0", "a", (0,)), Lane("b_0", "b", (1,)), Lane("c_0", "c", (2,))),
    min_green_s=(5.0, 5.0, 5.0),
    all_red_s=0.0,
    yields=frozenset({(1, 0)}),
)
QUEUES = st.lists(st.floats(0, 30), min_size=3, max_size=3)


def test_padding_costs_nothing() -> None:
    plant = make_plant([CROSS, TURN])
    assert plant.valid.tolist() == [[True, True, False], [True, True, True]]
    assert plant.lanes == 3 and plant.protected.shape == (2, 3, 3)
    found = costs(plant, no_traffic(plant), np.array([0, 0]), np.array([9.0, 9.0]), Model())
    assert found.shape == (2, 3 + len(HOLDS_S))
    assert found[0, 2] == NEVER and found[1].max() == 0.0


@settings(deadline=None, max_examples=30)
@given(QUEUES, QUEUES, st.integers(0, 1), st.integers(0, 2))
def test_a_junction_is_judged_the_same_alone_and_among_others(
    mine: list[float], others: list[float], cross: int, turn: int
) -> None:
    both, alone = make_plant([CROSS, TURN]), make_plant([TURN])
    shared, own = no_traffic(both), no_traffic(alone)
    shared.queue[:] = [[*others[:2], 0.0], mine]
    own.queue[:] = [mine]
    together = costs(both, shared, np.array([cross, turn]), np.array([9.0, 9.0]), Model())
    assert costs(alone, own, np.array([turn]), np.array([9.0]), Model())[0] == pytest.approx(together[1])


def test_a_thousand_junctions_are_judged_as_each_of_them() -> None:
    many = make_plant([CROSS, TURN] * ALIKE)
    assert sorted(row for rows, _ in many.alike() for row in rows) == list(range(2 * ALIKE))
    assert [size for _, size in many.alike()] == [(2, 3, 2), (3, 3, 3)]
    traffic = no_traffic(many)
    traffic.queue[:] = [[9.0, 4.0, 0.0], [3.0, 6.0, 2.0]] * ALIKE
    found = costs(many, traffic, np.zeros(2 * ALIKE, dtype=int), np.full(2 * ALIKE, 9.0), Model())
    both = make_plant([CROSS, TURN])
    two = costs(both, traffic.only(np.array([0, 1])), np.array([0, 0]), np.array([9.0, 9.0]), Model())
    assert found == pytest.approx(np.tile(two, (ALIKE, 1)))


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 30))
def test_a_queue_and_nobody_else_is_served(waiting: int) -> None:
    plant = make_plant([CROSS])
    traffic = no_traffic(plant)
    traffic.queue[0, 1] = waiting
    found = costs(plant, traffic, np.array([0]), np.array([9.0]), Model())
    assert found[0].argmin() == 1


def test_who_gives_way_waits_for_a_queue_and_not_for_nobody() -> None:
    plant = make_plant([TURN])
    few, many, both = (no_traffic(plant) for _ in range(3))
    for traffic, queue in ((few, [0.0, 6.0, 0.0]), (many, [15.0, 0.0, 0.0]), (both, [15.0, 6.0, 0.0])):
        traffic.queue[:] = [queue]
    stay = [costs(plant, one, np.array([0]), np.array([9.0]), Model())[0, 0] for one in (few, many, both)]
    assert stay[2] > stay[0] + stay[1]


def test_no_room_behind_is_no_reason_for_green() -> None:
    plant = make_plant([CROSS])
    traffic = no_traffic(plant)
    traffic.queue[:] = [[10.0, 5.0]]
    full = replace(traffic, room=np.array([[0.1, 0.1, 1.0]]))
    chosen = [costs(plant, one, np.array([0]), np.array([9.0]), Model())[0].argmin() for one in (traffic, full)]
    assert chosen[0] != 1 and chosen[1] == 1


def test_sight_tells_who_stands_who_comes_and_who_is_usual() -> None:
    plant = make_plant([CROSS])
    sight = Sight([CROSS], plant, reach_m=200.0, started_s=0.0)
    seen = [Seen(3.0, 0.0, 1, "x"), Seen(70.0, 10.0, 0, "y"), Seen(12.0, 0.5, 2, "z")]
    traffic = sight.look({"cross": seen}, {("cross", 2): 0.1}, now_s=0.0)
    assert traffic.queue.tolist() == [[1.0, 1.0]]
    assert traffic.arrivals[:5, 0, 0].tolist() == [0.0, 0.0, 0.0, 1.0, 0.0]
    assert traffic.first.tolist() == [[1, 2]] and traffic.room.tolist() == [[1.0, 1.0, 0.1]]
    assert traffic.share.round(3).tolist() == [[0.5, 0.5, 1.0]]
    again = sight.look({"cross": seen}, {}, now_s=1.0)
    assert sight.flow_per_s.tolist() == [[1.0, 0.5]] and again.arrivals[-1].tolist() == [[2.0, 1.0]]
