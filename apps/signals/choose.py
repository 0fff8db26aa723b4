"""The stage of each junction now: the cheapest choice that the guards allow. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .plant import Floats, Plant, Whole
from .rollout import NEVER, Model, costs
from .traffic import Traffic

MAX_RED_S = 120.0
HYSTERESIS = 0.5  # vehicle seconds: between equals, who holds, holds


@dataclass(frozen=True)
class Choice:
    """`stage` [J]; `cost` [J,S] in vehicle seconds of going to each stage now, in the present one's place the best way to
    keep it; `forced` [J] where a bound on red left no choice."""

    stage: Whole
    cost: Floats
    forced: np.ndarray


def choose(plant: Plant, traffic: Traffic, stage: Whole, green_s: Floats, red_s: Floats, model: Model) -> Choice:
    """`red_s` [J,K] is for how long somebody has waited at red on each link (s), 0 where nobody waits."""
    rows = np.arange(len(stage))
    every = costs(plant, traffic, stage, green_s, model)
    stages = plant.valid.shape[1]
    cost = every[:, :stages].copy()
    cost[rows, stage] = np.minimum(cost[rows, stage], every[:, stages:].min(1)) - HYSTERESIS
    forced, allowed = _opens_the_longest_red(plant, red_s)
    return Choice(np.where(allowed, cost, NEVER * 2).argmin(1), cost, forced)


def _opens_the_longest_red(plant: Plant, red_s: Floats) -> tuple[np.ndarray, np.ndarray]:
    """Where somebody has waited past the bound [J], and the stages allowed [J,S]: there, those that let the longest go."""
    green = (plant.protected + plant.permitted) > 0
    servable = np.where(green.any(1), red_s, 0.0)
    worst = servable.argmax(1)
    opens = np.take_along_axis(green, np.broadcast_to(worst[:, None, None], (*green.shape[:2], 1)), 2)[:, :, 0]
    forced = servable.max(1) > MAX_RED_S
    return forced, plant.valid & (opens | ~forced[:, None])
