"""The rule on one junction of two approaches, from the entity's own JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).parents[1]
sys.path.insert(0, str(HERE.parent))

from madang.sdk import value_of  # noqa: E402
from madang.sdk.city_time import epoch_s  # noqa: E402
from signals.city import City  # noqa: E402
from signals.decide import choose  # noqa: E402
from signals.layout import make_junctions  # noqa: E402
from signals.model import Reading  # noqa: E402
from signals.plant import make_plant  # noqa: E402
from signals.rollout import Model  # noqa: E402
from signals.traffic import no_traffic  # noqa: E402

ENTITY = json.loads((HERE / "fixtures" / "junction.json").read_text(encoding="utf-8"))
NAME = ENTITY["id"]
STAGE = np.array([0])
TIME = "2026-06-01T07:00:{:02d}Z"


def junction() -> Any:
    return make_junctions([{key: value_of(value) for key, value in ENTITY.items()}])[0]


def readings(now: float, **by_name: tuple[float, float]) -> dict[str, Reading]:
    return {name: Reading(count, occupancy, now) for name, (count, occupancy) in by_name.items()}


def test_layout_reads_lanes_and_loops() -> None:
    made = junction()
    assert made.stages == ("Gr", "rG") and made.usual_s == (40.0, 20.0)
    assert [(lane.stop, lane.far, lane.far_m) for lane in made.lanes] == [
        ("a_0_stop", "a_0_upstream", 50.0),
        ("b_0_stop", "b_0_upstream", 50.0),
    ]


@pytest.mark.parametrize(
    ("stage", "seen", "now", "wanted"),
    [
        (0, {"b_0_upstream": (4, 0.2), "b_0_stop": (0, 1.0)}, 20, [1]),
        (0, {"b_0_upstream": (4, 0.2), "b_0_stop": (0, 1.0)}, 4, [0]),
        (-1, {"b_0_stop": (0, 1.0)}, 20, []),
        (0, {}, 20, [0]),
        (0, {"a_0_upstream": (5, 0.3), "a_0_stop": (2, 0.3), "b_0_stop": (0, 1.0)}, 20, [0]),
    ],
)
def test_decisions(stage: int, seen: dict[str, Any], now: int, wanted: list[int]) -> None:
    city = City()
    city.learn([ENTITY])
    start_s = epoch_s(TIME.format(0))
    city.hear_signal(
        {"id": NAME, "signalState": {"value": "Gr", "observedAt": TIME.format(0)}, "stage": {"value": stage}}
    )
    city.fresh = readings(start_s + now, **seen)
    assert [stage for _, stage in city.wishes(start_s + now)] == wanted


def test_nobody_waits_past_the_bound() -> None:
    made = junction()
    plant, traffic = make_plant([made]), no_traffic(make_plant([made]))
    traffic.queue[:] = [[20.0, 1.0]]
    before, after = (
        choose(plant, traffic, STAGE, np.array([90.0]), np.array([[0.0, over]]), Model()) for over in (0, 1)
    )
    assert (before.stage.tolist(), before.forced.tolist()) == ([0], [False])
    assert (after.stage.tolist(), after.forced.tolist()) == ([1], [True])


def test_edge_keeps_every_period_and_renews() -> None:
    city = City()
    city.learn([ENTITY])
    observed = {"observedAt": TIME.format(5)}
    loop = {"id": "urn:ngsi-ld:TrafficFlowObserved:helsinki:b_0_stop", "occupancy": {"value": 1.0} | observed}
    city.hear_loop(loop | {"intensity": {"value": 2} | observed})
    city.hear_loop(loop | {"intensity": {"value": 2} | observed})
    city.hear_loop(loop | {"intensity": {"value": 3, "observedAt": TIME.format(10)}})
    assert city.fresh["b_0_stop"].count == 5
    city.hear_signal({"id": NAME, "signalState": {"value": "Gr", "observedAt": TIME.format(0)}, "stage": {"value": 0}})
    start = city.shown[NAME].since_s
    assert city.wishes(start + 30) and not city.wishes(start + 32) and city.wishes(start + 60)
