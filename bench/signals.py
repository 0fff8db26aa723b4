"""`madang bench signals`: what the signals app is worth on the field's own maps, beside every usual control.

    madang bench signals [--scenario S ...] [--controller C ...] [--seeds N] [--eyes E ...] [--stress T ...] [--processes 1]
        [--json]

A row for each scenario, stress, controller and eyes: mean over seeds, of means over every vehicle that wanted to leave within the
hour, in s; who did not finish or never departed is counted to the end. The method: apps/signals/README.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import groupby, product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1] / "apps"), str(Path(__file__).parents[1] / "src")]

from bench.junctions.field import COVERAGE  # noqa: E402
from bench.junctions.maps import NAMES, PUBLISHED_S  # noqa: E402
from bench.junctions.stress import STRESSES  # noqa: E402
from bench.junctions.trial import CONTROLLERS, Outcome, Task, run  # noqa: E402

EYES = ("full", *COVERAGE)
FIRST_SEED = 1


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="madang bench signals", description=__doc__)
    parser.add_argument("--scenario", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--controller", nargs="+", choices=CONTROLLERS, default=list(CONTROLLERS))
    parser.add_argument("--eyes", nargs="+", choices=EYES, default=["full", "field"])
    parser.add_argument("--seeds", type=int, default=5, help="how many, from --first-seed on")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--scale", type=float, default=1.0, help="of the demand")
    parser.add_argument("--stress", nargs="+", choices=("", *STRESSES), default=[""], help="what goes wrong in a run")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=NUMBER", help="numbers of the model, for trying")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(argv)


def tasks_of(told: argparse.Namespace) -> Iterator[Task]:
    """Every run, those of one row together. Only ours has eyes."""
    model = {name: float(number) for name, number in (pair.split("=") for pair in told.set)}
    for scenario, stress, controller in product(told.scenario, told.stress, told.controller):
        for eyes in told.eyes if controller == "ours" else ("",):
            for seed in range(told.first_seed, told.first_seed + told.seeds):
                mine = model if controller == "ours" else {}
                yield Task(scenario, controller, seed, eyes, told.scale, stress, model=mine)


def row(task: Task, outcomes: list[Outcome]) -> dict[str, Any]:
    """The mean of a row's seeds, and the standard deviation of its delay over them."""
    every = [outcome.worth for outcome in outcomes]
    names = ("delay_s", "wait_s", "trip_s", "stops", "worst_s", "co2_kg", "unfinished")
    means = {name: round(statistics.mean(getattr(one, name) for one in every), 2) for name in names}
    spread = statistics.stdev(one.delay_s for one in every) if len(every) > 1 else 0.0
    told = {"scenario": task.scenario, "controller": task.controller, "eyes": task.eyes, "seeds": len(every)}
    told |= {"stress": task.stress, "stuck": sum(one.stuck for one in outcomes)}
    told |= {"published_s": PUBLISHED_S.get(task.scenario)}
    cost = {"decision_ms": round(statistics.mean(one.decision_ms for one in outcomes), 2)}
    return told | means | {"delay_s_sd": round(spread, 2), "junctions": outcomes[0].junctions} | cost


def rows(tasks: list[Task], outcomes: Iterable[Outcome]) -> Iterator[dict[str, Any]]:
    """A row for each scenario, controller and eyes, as soon as its seeds are there."""
    told = iter(outcomes)
    for _, group in groupby(tasks, key=lambda task: (task.scenario, task.stress, task.controller, task.eyes)):
        same = list(group)
        yield row(same[0], [next(told) for _ in same])


def main(argv: list[str] | None = None) -> int:
    told = parse(argv)
    tasks, made = list(tasks_of(told)), []
    # A process for each run: libsumo is a singleton and keeps what it loaded.
    with ProcessPoolExecutor(told.processes, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        for one in rows(tasks, pool.map(run, tasks)):
            made.append(one)
            if not told.json:
                print({name: value for name, value in one.items() if value != ""}, flush=True)
    if told.json:
        print(json.dumps(made))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
