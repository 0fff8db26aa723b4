"""Starts libsumo with the files of a city. The only place that knows the simulator's options."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TELEPORT_AFTER_S = 300


@dataclass(frozen=True)
class Scene:
    """Files of one run. `begin_s` is the second of the day at which it starts; who is stuck for `teleport_after_s` is put
    further on its way, never where it is below 0."""

    net: Path
    routes: Sequence[Path]
    additional: Sequence[Path] = ()
    begin_s: int = 0
    seed: int = 1
    scale: float = 1.0
    teleport_after_s: int = TELEPORT_AFTER_S
    load_state: Path | None = None
    options: Sequence[str] = field(default_factory=tuple)


def arguments(scene: Scene) -> list[str]:
    """Command line of SUMO for a scene."""
    args = ["sumo", "--net-file", str(scene.net), "--begin", str(scene.begin_s), "--seed", str(scene.seed)]
    if scene.routes:
        args += ["--route-files", ",".join(map(str, scene.routes))]
    if scene.additional:
        args += ["--additional-files", ",".join(map(str, scene.additional))]
    if scene.load_state:
        args += ["--load-state", str(scene.load_state)]
    if scene.scale != 1.0:
        args += ["--scale", f"{scene.scale:g}"]
    args += ["--step-length", "1", "--no-step-log", "true", "--no-warnings", "true"]
    # The tripinfo device counts timeLoss and departDelay of finished trips, which `kpi` reads.
    args += ["--device.tripinfo.probability", "1", "--save-state.rng", "true", "--save-state.precision", "6"]
    args += ["--time-to-teleport", str(scene.teleport_after_s), "--ignore-route-errors", "true"]
    # People walk beside the traffic: the network has no sidewalks, and on a lane they would stand in its way.
    args += ["--pedestrian.model", "nonInteracting", "--save-state.transportables", "true"]
    return args + list(scene.options)


def start(scene: Scene) -> Any:
    """libsumo with the scene loaded. One per process. Raises libsumo.TraCIException, ImportError."""
    import sumo

    os.environ.setdefault("SUMO_HOME", sumo.SUMO_HOME)
    import libsumo

    # libsumo prints its statistics on close; options repeated by the caller win.
    libsumo.start(arguments(scene))
    return libsumo
