"""The parts of `madang bench signals`: a real run of a real map, and the arithmetic of its rows."""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "apps")]

from bench.junctions.field import place  # noqa: E402
from bench.junctions.maps import find_map  # noqa: E402
from bench.junctions.measure import Trip, Worth, worth  # noqa: E402
from bench.junctions.street import Signal  # noqa: E402
from bench.junctions.stress import FROM_S, Stress, count_stuck  # noqa: E402
from bench.junctions.trial import Outcome, Task, run  # noqa: E402
from bench.signals import parse, rows, tasks_of  # noqa: E402

from madang.twin.traffic.net import read_net  # noqa: E402

MINUTES_S = 150


def test_a_map_is_run_and_ours_waits_less_than_its_plan() -> None:
    tasks = [Task("cologne1", controller, 7, seconds=MINUTES_S) for controller in ("fixed", "ours")]
    # A process for each: libsumo is a singleton and keeps what it loaded.
    with ProcessPoolExecutor(2, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        fixed, ours = pool.map(run, tasks)
    assert fixed.worth.vehicles == ours.worth.vehicles > 50
    assert ours.worth.delay_s < fixed.worth.delay_s
    assert (fixed.decision_ms, ours.junctions) == (0.0, 1) and ours.decision_ms > 0


def test_worth_counts_who_never_departed() -> None:
    trips = [Trip("a", 10.0, 4.0, 60.0, 1, 0.2, True), Trip("b", 90.0, 0.0, 0.0, 0, 0.0, False)]
    assert worth(trips) == Worth(50.0, 2.0, 30.0, 0.5, 90.0, 0.2, 1, 2)


def test_a_row_is_the_mean_of_its_seeds() -> None:
    told = parse(["--scenario", "cologne1", "--controller", "ours", "fixed", "--eyes", "full", "--seeds", "2"])
    tasks = list(tasks_of(told))
    outcomes = [Outcome(Worth(d, 1.0, 2.0, 0.5, 9.0, 3.0, 1, 10), 1.0, 0.5, 1, 2) for d in (10.0, 12.0, 40.0, 40.0)]
    made = list(rows(tasks, outcomes))
    assert [(row["controller"], row["eyes"], row["seeds"], row["delay_s"], row["delay_s_sd"]) for row in made] == [
        ("ours", "full", 2, 11.0, pytest.approx(1.41)),
        ("fixed", "", 2, 40.0, 0.0),
    ]
    assert [(row["stress"], row["stuck"]) for row in made] == [("", 4), ("", 4)]


def test_everybody_is_tried_by_the_same_stress() -> None:
    told = parse(["--scenario", "cologne1", "--controller", "fixed", "ours", "--eyes", "field", "--seeds", "1"])
    told.stress = ["surge", "dead"]
    assert [(task.stress, task.controller) for task in tasks_of(told)] == [
        ("surge", "fixed"),
        ("surge", "ours"),
        ("dead", "fixed"),
        ("dead", "ours"),
    ]


class Street:
    """A simulator of paper: one approach of two lanes, and what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.simulation = self.trafficlight = self.lane = self.edge = self.vehicle = self.route = self

    def setScale(self, scale: float) -> None:
        self.asked.append(("scale", scale))

    def getIDList(self) -> list[str]:
        return ["stalled", "a", "b", "DEFAULT_VEHTYPE"]

    def getControlledLanes(self, name: str) -> list[str]:
        return ["in_0", "in_1"]

    def getLaneNumber(self, edge: str) -> int:
        return 2

    def getLength(self, lane: str) -> float:
        return 100.0

    def getAllowed(self, lane: str) -> list[str]:
        return []

    def getWaitingTime(self, name: str) -> float:
        return {"stalled": 900.0, "a": 301.0}.get(name, 0.0)

    def add(self, *told: object) -> None:
        self.asked.append(("add", *told))

    def setStop(self, *told: object) -> None:
        self.asked.append(("stop", *told))


def test_a_crowd_comes_and_goes() -> None:
    street = Street()
    surge = Stress(street, "surge", 1.0, begin_s=100, seed=1)
    for second in range(100, 3700):
        surge.step(second)
    assert street.asked == [("scale", 2.0), ("scale", 1.0)]


def test_a_vehicle_stalls_on_a_lane_beside_another_and_is_not_counted_as_stuck() -> None:
    street = Street()
    Stress(street, "blocked", 1.0, begin_s=0, seed=1).step(FROM_S)
    assert street.asked == [
        ("add", "stalled", ["in"]),
        ("add", "stalled", "stalled", "DEFAULT_VEHTYPE", "now", "1", "49.0", "0"),
        ("stop", "stalled", "in", 50.0, 1, 900.0),
    ]
    assert count_stuck(street) == 1


def test_a_signal_changes_by_yellow_and_only_then_is_green() -> None:
    signal = Signal("x", ("Gr", "rG", "GG"), yellow_s=3.0, since_s=0.0)
    assert (signal.go(1, 10.0), signal.tick(12.0), signal.tick(13.0)) == ("yr", None, "rG")
    assert (signal.stage, signal.since_s, signal.red_since_s) == (1, 13.0, [0.0, 13.0])
    assert (signal.go(2, 20.0), signal.on_the_way) == ("GG", None)


def test_half_the_eyes_are_half_of_the_approaches_and_the_same_for_a_seed() -> None:
    net = read_net(find_map("cologne8").net)
    every, half, again, other = (
        place(net, eyes, seed) for eyes, seed in (("field", 1), ("half", 1), ("half", 1), ("half", 2))
    )
    ways = [{one.lane.rpartition("_")[0] for one in found} for found in (every, half)]
    assert len(ways[1]) == round(len(ways[0]) / 2) and ways[1] < ways[0]
    assert half == again and half != other
