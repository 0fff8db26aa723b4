"""`madang bench signal_decisions`: CPU time of one decision of the signals app for a thousand junctions at once.

The junctions are those of a benchmark map, again and again until there are a thousand, with queues and arrivals drawn by seed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1] / "apps"), str(Path(__file__).parents[1] / "src")]

from bench.junctions.maps import find_map  # noqa: E402
from bench.junctions.street import junctions_of  # noqa: E402
from madang.twin.traffic.detectors import place_detectors  # noqa: E402
from madang.twin.traffic.net import read_net  # noqa: E402
from signals.decide import choose  # noqa: E402
from signals.plant import make_plant  # noqa: E402
from signals.rollout import Model  # noqa: E402
from signals.traffic import no_traffic  # noqa: E402

ROUNDS = 5


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="madang bench signal_decisions", description=__doc__)
    parser.add_argument("--scenario", default="ingolstadt21")
    parser.add_argument("--junctions", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    told = parser.parse_args(argv)
    scene, chance = find_map(told.scenario), np.random.default_rng(told.seed)
    net = read_net(scene.net)
    made = junctions_of(net, scene, place_detectors(net))
    plant = make_plant([made[row % len(made)] for row in range(told.junctions)])
    traffic = no_traffic(plant)
    traffic.queue[:] = chance.poisson(3.0, traffic.queue.shape)
    traffic.arrivals[:] = chance.poisson(0.2, traffic.arrivals.shape)
    stage, green_s = np.zeros(told.junctions, dtype=int), np.full(told.junctions, 8.0)
    overdue_s = np.zeros(plant.protected.shape[::2])
    spent = []
    for _ in range(ROUNDS):
        began = time.process_time()
        choose(plant, traffic, stage, green_s, overdue_s, Model())
        spent.append(1000.0 * (time.process_time() - began))
    print(
        json.dumps(
            {"junctions": told.junctions, "stages": plant.valid.shape[1], "decision_ms": round(median(spent), 1)}
        )
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
