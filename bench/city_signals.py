"""Does the signals app help? One simulated hour per seed, fixed programs against the app, the same demand.

Field, command room and app are the ones of the living city; only MQTT, database and sockets are left out, and stand for
`--heard` and `--acted` seconds of the city: a wall latency times the city's speed. Delay is timeLoss + departDelay over
every vehicle that wanted to travel, those that did not finish or never entered included.

    python -m bench.city_signals --city DIR [--seeds 1,2,3,4,5] [--warmup 600] [--seconds 3600] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "apps"), str(Path(__file__).parents[1] / "src")]

from bench.signals_run import Outcome, Task, run  # noqa: E402


@dataclass(frozen=True)
class Report:
    """Means over seeds in s; `saved` is a share (0..1)."""

    delay_fixed_s: float
    delay_app_s: float
    spread_fixed_s: float
    spread_app_s: float
    saved: float
    teleports_fixed: int
    teleports_app: int
    unfinished_fixed: int
    unfinished_app: int


def summarise(fixed: list[Outcome], app: list[Outcome]) -> Report:
    """Mean and standard deviation over seeds."""
    a, b = [o.delay_s for o in fixed], [o.delay_s for o in app]
    return Report(
        delay_fixed_s=round(statistics.mean(a), 2),
        delay_app_s=round(statistics.mean(b), 2),
        spread_fixed_s=round(statistics.pstdev(a), 2),
        spread_app_s=round(statistics.pstdev(b), 2),
        saved=round(1 - statistics.mean(b) / statistics.mean(a), 4),
        teleports_fixed=sum(o.teleports for o in fixed),
        teleports_app=sum(o.teleports for o in app),
        unfinished_fixed=sum(o.unfinished for o in fixed),
        unfinished_app=sum(o.unfinished for o in app),
    )


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0] if __doc__ else "")
    parser.add_argument("--city", type=Path, required=True, help="folder of an import")
    parser.add_argument("--seeds", default="1,2,3,4,5")
    parser.add_argument("--warmup", type=int, default=600)
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--begin", type=int, default=7 * 3600 + 1800)
    parser.add_argument("--heard", type=float, default=0.1, help="city s from a device to the app")
    parser.add_argument("--acted", type=float, default=0.1, help="city s from the app to a device")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="of the demand of cars and bicycles")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=NUMBER", help="settings of the rule, for trying")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    told = parse(argv)
    seeds = [int(seed) for seed in told.seeds.split(",")]
    names = ("city", "warmup", "seconds", "begin", "heard", "acted", "scale")
    shared = {k: getattr(told, k) for k in names}
    settings = {name: float(number) for name, number in (pair.split("=") for pair in told.set)}
    tasks = [Task(seed=seed, app=app, settings=settings, **shared) for seed in seeds for app in (False, True)]
    # One process per run: libsumo is a singleton and keeps what it loaded.
    with ProcessPoolExecutor(min(2, told.processes), max_tasks_per_child=1) as pool:
        outcomes = list(pool.map(run, tasks))
    fixed, app = outcomes[::2], outcomes[1::2]
    report = summarise(fixed, app)
    if not told.json:
        for seed, a, b in zip(seeds, fixed, app, strict=True):
            print(f"seed {seed}: fixed {a}\n        app   {b}\n        saved {1 - b.delay_s / a.delay_s:.1%}")
    per_seed = [{"seed": s, "fixed": asdict(a), "app": asdict(b)} for s, a, b in zip(seeds, fixed, app, strict=True)]
    print(json.dumps({"signals": asdict(report), "runs": per_seed} if told.json else asdict(report)))
    return 0 if report.saved >= 0.15 and report.teleports_app <= report.teleports_fixed else 1


if __name__ == "__main__":
    raise SystemExit(main())
