"""`madang testbed`: an app in the simulated city, and the same city without it."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from madang import __version__
from madang.base.city import CityConfig, source_path
from madang.base.errors import BadRequest, Unavailable
from madang.cli.cities import city_path, find_city
from madang.cli.field import WARM_UP_S
from madang.cli.sources import imported
from madang.cli.trying import Kernel
from madang.cli.up import progress as tell_import
from madang.cli.up import say
from madang.engine.temporary import scratch
from madang.ingest.sumo.trial import RESULT, TRIPS
from madang.runtime.manifest import Manifest, load_manifest
from madang.runtime.package import pack, unpack
from madang.store.testbed.arms import Arm, Scorer
from madang.store.testbed.score import score_of
from madang.store.testbed.scorers import find_scorer
from madang.twin.traffic.trips import read_trips, sum_up

Progress = Callable[[float], None]
MINUTES_MAX, SEEDS_MAX = 240, 30
_OUTSIDE = ("MADANG_DATABASE", "MADANG_BUS", "MADANG_MQTT", "MADANG_PRIVATE_NETWORKS", "MADANG_POLICIES")


@dataclass(frozen=True)
class Trial:
    """One app in one city for so many seconds."""

    manifest: Manifest
    folder: Path
    city: CityConfig
    city_file: Path
    map: Path
    scorer: Scorer
    seconds: int


async def testbed(options: argparse.Namespace) -> int:
    """Prints the score."""
    for name in _OUTSIDE:  # an app under trial meets a city of its own, whatever this one is
        os.environ.pop(name, None)
    os.nice(10)
    own = asyncio.current_task()
    assert own is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, own.cancel)
    seeds = [int(seed) for seed in options.seeds.split(",")]
    if not 1 <= options.minutes <= MINUTES_MAX or not 1 <= len(set(seeds)) == len(seeds) <= SEEDS_MAX:
        raise BadRequest(f"1 to {MINUTES_MAX} minutes and 1 to {SEEDS_MAX} different seeds")
    folder = scratch("madang-testbed-")
    try:
        score = await _run(options, seeds, folder.path)
    finally:
        folder.remove()
    print(json.dumps(score, indent=None if options.json else 1), flush=True)
    return 0


async def _run(options: argparse.Namespace, seeds: list[int], scratch_dir: Path) -> dict[str, Any]:
    trial, digest = _trial(options, scratch_dir)
    pairs = {}
    for number, seed in enumerate(seeds):
        say(f"  seed {seed}: with the app and without")
        pairs[seed] = await _pair(trial, seed, scratch_dir / str(seed), _part(number, len(seeds)))
    app = {"app": trial.manifest.id, "version": trial.manifest.version, "sha256": digest}
    told = {"kind": options.kind, "city": trial.city.id, "minutes": options.minutes, "madang": __version__}
    return score_of(app, told, trial.scorer, pairs)


def _trial(options: argparse.Namespace, scratch_dir: Path) -> tuple[Trial, str]:
    given = Path(options.app)
    data = given.read_bytes() if given.is_file() else pack(given)
    unpacked = scratch_dir / "unpacked"
    manifest = unpack(data, unpacked)
    folder = unpacked.rename(scratch_dir / manifest.entry.partition(".")[0])
    load_manifest(folder)
    options.kind = options.kind or (manifest.score.kind if manifest.score is not None else "traffic")
    city, city_file = find_city(options.city), city_path(options.city)
    if not city.map.source or not any(rule["topic"].endswith("/simulation/tick") for rule in city.mqtt):
        raise BadRequest(
            f"{city.id} has no map or no rule for simulation/tick, so nothing can be simulated in lockstep"
        )
    files = imported(city, source_path(city.map.source, city_file.parent), tell_import)
    scorer = find_scorer(options.kind)
    trial = Trial(manifest, folder, city, city_file, files, scorer, options.minutes * 60)
    return trial, hashlib.sha256(data).hexdigest()


def _part(number: int, of: int) -> Progress:
    """Progress of one seed as a share of all; a line says `PROGRESS <share>`."""
    return lambda share: say(f"PROGRESS {(number + share) / of:.4f}")


async def _pair(trial: Trial, seed: int, folder: Path, progress: Progress) -> tuple[Arm, Arm]:
    folder.mkdir()
    folder.chmod(0o711)
    script = folder / "script.jsonl"
    happens = trial.scorer.script(seed, trial.seconds)
    script.write_text("".join(json.dumps(one) + "\n" for one in happens), encoding="utf-8")
    shares = [0.0, 0.0]

    def told(arm: int) -> Progress:
        def tell(share: float) -> None:
            shares[arm] = share
            progress(min(shares))

        return tell

    without = asyncio.create_task(_arm(trial, seed, folder / "without", script, None, told(0)))
    try:
        kernel = Kernel(folder / "kernel", trial.city, trial.city_file, trial.map, seed)
        async with kernel.living(trial.folder, trial.manifest.id):
            with_app = await _arm(trial, seed, folder / "with", script, kernel, told(1))
        return await without, with_app
    finally:
        without.cancel()
        await asyncio.gather(without, return_exceptions=True)


async def _arm(
    trial: Trial, seed: int, folder: Path, script: Path, kernel: Kernel | None, progress: Progress
) -> Arm:  # fmt: skip
    """Raises Unavailable with what went wrong."""
    argv = [
        sys.executable, "-m", "madang", "run", "trial", "--city", trial.city.id, "--files", str(trial.map), "--run", str(folder),
        "--seed", str(seed), "--start", trial.city.simulation.start_local, "--timezone", trial.city.timezone, "--day", "2026-06-01",
        "--warm-up", str(WARM_UP_S), "--hours", str((trial.seconds + WARM_UP_S) / 3600), "--seconds", str(trial.seconds),
        "--script", str(script),
        *(["--apps", trial.manifest.id] if kernel is not None else []),
        *(["--hidden"] if trial.scorer.is_hidden else []),
    ]  # fmt: skip
    env = os.environ | ({"MADANG_MQTT": kernel.mqtt} if kernel is not None else {})
    process = await asyncio.create_subprocess_exec(*argv, env=env, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        async for line in process.stdout:
            progress(float(line))
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return await _read(trial, folder, kernel)


async def _read(trial: Trial, folder: Path, kernel: Kernel | None) -> Arm:
    try:
        told = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Unavailable("the simulated city ended before its time") from None
    if "error" in told:
        raise Unavailable(told["error"])
    trips = list(read_trips(folder / TRIPS, told["begin_s"], told["end_s"]))
    said = await kernel.said(trial.scorer.reads) if kernel is not None else []
    cost = await kernel.cost(trial.manifest.id) if kernel is not None else None
    return Arm(sum_up(trips), told["truth"], told["begin_s"], told["end_s"], said, cost)
