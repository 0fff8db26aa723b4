"""The stage of each junction now: the cheapest choice that the guards allow. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .plant import Flags, Floats, Plant, Whole
from .rollout import NEVER, Model, costs
from .traffic import Traffic

HYSTERESIS = 0.5  # vehicle seconds: between equals, who holds, holds


@dataclass(frozen=True)
class Choice:
    """`stage` [J]; `cost` [J,S] in vehicle seconds of going to each stage now, in the present one's place of the best way to
    keep it; `forced` [J] where a bound on red left no choice."""

    stage: Whole
    cost: Floats
    forced: Flags


def choose(
    plant: Plant,
    traffic: Traffic,
    stage: Whole,
    green_s: Floats,
    overdue_s: Floats,
    model: Model,
    may: Flags | None = None,
) -> Choice:
    """`stage` [J] on show for `green_s` [J]; `overdue_s` [J,K] is by how much a link's red exceeds its bound, else 0; `may`
    [J,S] is which stages may be shown now, if not all."""
    rows = np.arange(len(stage))
    every = costs(plant, traffic, stage, green_s, model)
    stages = plant.valid.shape[1]
    cost = every[:, :stages].copy()
    cost[rows, stage] = np.minimum(cost[rows, stage], every[:, stages:].min(1)) - HYSTERESIS
    may = plant.valid if may is None else plant.valid & may
    may = np.where(np.any(may, axis=1, keepdims=True), may, np.arange(stages) == stage[:, None])
    forced, allowed = _opens_the_longest_red(plant, may, overdue_s)
    return Choice(np.where(allowed, cost, 2 * NEVER).argmin(1), cost, forced)


def _opens_the_longest_red(plant: Plant, may: Flags, overdue_s: Floats) -> tuple[Flags, Flags]:
    """Where a link is overdue that one of the stages that `may` be shown serves [J], and the stages allowed [J,S]: there,
    those that open it."""
    green = ((plant.protected + plant.permitted) > 0) & may[:, :, None]
    servable = np.where(green.any(1), overdue_s, 0.0)
    worst, forced = servable.argmax(1), servable.max(1) > 0
    opens = np.take_along_axis(green, np.broadcast_to(worst[:, None, None], (*green.shape[:2], 1)), 2)[:, :, 0]
    return forced, may & (opens | ~forced[:, None])
