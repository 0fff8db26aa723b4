"""One run: a map, a seed, a controller. Needs a process of its own, because libsumo is a singleton."""

from __future__ import annotations

import random
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bench.junctions import field as field_eyes
from bench.junctions.adaptive import Adaptive, FullEyes
from bench.junctions.baselines import MaxPressure, actuate, open_all
from bench.junctions.maps import HOUR_S, Map, find_map
from bench.junctions.measure import Worth, read_trips, worth
from bench.junctions.street import Signal, junctions_of, read_street
from bench.junctions.stress import DEAD_AT_S, DEMAND, STALLED, Stress, count_stuck
from madang.ingest.sumo import simulator
from madang.twin.traffic.detectors import place_detectors
from madang.twin.traffic.net import read_net
from signals.join import join
from signals.rollout import Model

CONTROLLERS = ("fixed", "actuated", "max-pressure", "bound", "ours")


class Controller(Protocol):
    """Acts on the street before each second of it."""

    def step(self, now_s: float) -> None: ...


@dataclass(frozen=True)
class Task:
    """What to run. `scale` multiplies the demand; `stress` is what goes wrong (`stress.STRESSES`) or nothing; `model` replaces
    numbers of the app's model, to try them."""

    scenario: str
    controller: str
    seed: int
    eyes: str = "full"
    scale: float = 1.0
    stress: str = ""
    seconds: int = HOUR_S
    model: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a run was worth, the CPU seconds it took, those of one decision for all of its junctions (in ms), and how many
    vehicles stood in gridlock at the end."""

    worth: Worth
    cpu_s: float
    decision_ms: float
    junctions: int
    stuck: int = 0


def run(task: Task) -> Outcome:
    """Run a task to its end. Raises Absent, KeyError, libsumo.TraCIException."""
    scene, began = find_map(task.scenario), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "trips.xml"
        net = open_all(scene, Path(folder)) if task.controller == "bound" else scene.net
        more = _loops(task, scene, Path(folder))
        sumo = simulator.start(_scene(scene, net, more, task, record))
        controller = make_controller(task, scene, sumo)
        stress = Stress(sumo, task.stress, _demand(task), scene.begin_s, task.seed)
        for second in range(scene.begin_s, scene.begin_s + task.seconds):
            if controller is not None:
                controller.step(second)
            stress.step(second)
            sumo.simulation.step()
        junctions, stuck = sumo.trafficlight.getIDCount(), count_stuck(sumo)
        sumo.close()
        measured = worth([trip for trip in read_trips(record) if trip.name != STALLED])
    decided, decisions = getattr(controller, "decided_s", 0.0), getattr(controller, "decisions", 1)
    return Outcome(measured, time.process_time() - began, 1000.0 * decided / max(1, decisions), junctions, stuck)


def _demand(task: Task) -> float:
    return task.scale * (DEMAND if task.stress == "demand" else 1.0)


def _loops(task: Task, scene: Map, folder: Path) -> tuple[Path, ...]:
    """The file of the loops that the eyes of a task are, if they are loops."""
    if task.eyes not in field_eyes.COVERAGE:
        return ()
    net = read_net(scene.net)
    path = folder / "loops.add.xml"
    field_eyes.write(net, field_eyes.place(net, task.eyes, task.seed), path)
    return (path,)


def _scene(scene: Map, net: Path, more: tuple[Path, ...], task: Task, record: Path) -> simulator.Scene:
    out = ["--tripinfo-output", str(record), "--device.emissions.probability", "1"]
    out += [word for name in ("unfinished", "undeparted") for word in (f"--tripinfo-output.write-{name}", "true")]
    if task.controller == "bound":
        out += ["--collision.action", "none", "--ignore-junction-blocker", "0"]
    return simulator.Scene(
        net, scene.routes, (*scene.additional, *more), scene.begin_s, task.seed, _demand(task), -1, options=out
    )


def make_controller(task: Task, scene: Map, sumo: Any) -> Controller | None:
    """Who steers; None leaves the map to its own plan."""
    if task.controller in ("fixed", "bound"):
        return None
    net, programs = read_street(scene, sumo)
    if task.controller == "actuated":
        actuate(sumo, programs)
        return None
    detectors = (
        field_eyes.place(net, task.eyes, task.seed) if task.eyes in field_eyes.COVERAGE else place_detectors(net)
    )
    junctions = junctions_of(net, scene, detectors)
    signals = {one.id: Signal(one.id, one.stages, scene.yellow_s, float(scene.begin_s)) for one in junctions}
    for signal in signals.values():
        sumo.trafficlight.setRedYellowGreenState(signal.id, signal.stages[0])
    if task.controller == "max-pressure":
        return MaxPressure(sumo, signals)
    if task.eyes in field_eyes.COVERAGE:
        loops, chance = [one.id for one in detectors], random.Random(task.seed)
        noisy = task.eyes == "noise"
        dead_at_s = scene.begin_s + DEAD_AT_S if task.stress == "dead" else float("inf")
        model = Model(**task.model)
        return field_eyes.Field(sumo, signals, loops, junctions, chance, noisy, dead_at_s, model)
    joint = join(junctions)
    return Adaptive(sumo, joint, signals, FullEyes(sumo, joint), float(scene.begin_s), Model(**task.model))
