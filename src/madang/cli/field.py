"""The simulated field's processes: the city with its apps, and its shadow without."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from madang.base.city import CityConfig
from madang.cli.instance import Instance
from madang.engine.supervisor import Spec

HOURS = 24
WARM_UP_S = 300
START_LEAD_S = 6.0


def field_specs(instance: Instance, city: CityConfig, folder: Path, options: argparse.Namespace) -> list[Spec]:
    """Both start at the same wall second, so that equal moments can be compared; some minutes are simulated before, so that
    nobody looks at empty streets. They start before the broker does, and wait for it."""
    wall_start = time.time() + START_LEAD_S
    common = [
        "--city", city.id, "--files", str(folder), "--seed", str(options.seed), "--speed", str(options.speed),
        "--start", city.simulation.start_local, "--warm-up", str(WARM_UP_S), "--timezone", city.timezone, "--wall-start", str(wall_start),
        "--hours", str(HOURS), "--max-messages-per-s", str(options.messages),
    ]  # fmt: skip
    env = instance.settings.env() | {"MADANG_MQTT": instance.field_mqtt}
    return [
        Spec(
            name,
            [sys.executable, "-m", "madang", "run", name, *common, "--run", str(instance.run_dir / name), *extra],
            env,
        )
        for name, extra in (("field", []), ("shadow", ["--shadow"]))
    ]


def run_field(argv: list[str], is_trial: bool = False) -> int:
    """The field process, of a living city or of one arm of a trial. The day's trips are drawn once for a map, seed and window, and
    kept beside the import."""
    from madang.ingest.sumo import run, trial
    from madang.twin.traffic import demand

    files = Path(argv[argv.index("--files") + 1])

    def routes(path: Path, seed: int, start_s: int, duration_s: int) -> None:
        kept = files / f"trips-{seed}-{start_s}-{duration_s}.rou.xml"
        if not kept.exists():
            part = kept.with_suffix(f".{os.getpid()}")
            demand.write(files, part, seed, start_s, duration_s)
            part.replace(kept)
        path.hardlink_to(kept)

    return trial.main(argv, routes) if is_trial else run.main(argv, routes)
