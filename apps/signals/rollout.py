"""What each choice of a stage would cost: every choice is played forward for a minute by a simple rule (a rollout).

The rule is greedy: the stage that lets most vehicles go in the next seconds, the change to it included. To play each
first choice forward by it and to take the cheapest is one step of policy iteration, which is never worse than the rule
in the model (Bertsekas, Tsitsiklis and Wu 1997); receding and repeated each second it is the schedule-driven control of
SURTRAC (Smith et al. 2013) with queues in the place of clusters. The model is a vertical queue for each lane. Who gives
way waits while those who have right of way still queue, and finds gaps among those who arrive (Highway Capacity Manual).

All junctions and all choices are played at once, as arrays: P choices are S first stages (the present one for a step),
then the present stage held for each of `HOLDS_S`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .plant import Flags, Floats, Plant, Whole
from .traffic import STEP_S, STEPS, Traffic

HOLDS_S = (4.0, 7.0, 11.0, 16.0, 24.0)
NEVER = 1e18
SINGLE = np.float32  # a model of counts needs no more, and half the memory is half the time
Singles = NDArray[np.float32]


@dataclass(frozen=True)
class Model:
    """Flows in vehicles per s and lane, times in s. One set for every map."""

    saturation_per_s: float = 0.56
    startup_s: float = 1.0
    gap_s: float = 6.0
    squeeze: float = 0.3
    blocked: float = 0.2
    ahead_s: float = 4.0
    batch_s: float = 10.0
    longest_s: float = 40.0
    least_queue: float = 0.5
    left_s: float = 10.0


@dataclass(frozen=True)
class Rates:
    """Vehicles per s that a stage lets go from a lane [J,S,L], while nobody is in the way of those who give way, and while
    somebody is; `firm` is 1 where a stage gives a lane right of way, `opens` also where it has to give way."""

    free: Singles
    hindered: Singles
    firm: Singles
    opens: Singles


@dataclass
class Play:
    """The state of every choice [J,P]: the stage on show or on its way, seconds until it is green, seconds of green, least
    ones and those to hold it; `queue` [J,P,L], the `Rates` of the stage and how freely the one before let go, and the vehicle
    seconds so far."""

    stage: Whole
    until_s: Floats
    green_s: Floats
    least_s: Floats
    hold_s: Floats
    queue: Singles
    free: Singles
    hindered: Singles
    firm: Singles
    freed_before: Singles
    cost: Floats

    def show(self, where: tuple[Whole, ...], wanted: Whole, rates: Rates, plant: Plant, lost_s: Floats) -> None:
        """Begin the change to the stages `wanted` [J,P] at some places."""
        rows, stage = where[0], wanted[where]
        self.freed_before[where] = self.free[where]
        self.stage[where], self.least_s[where] = stage, plant.least_s[rows, stage]
        self.free[where], self.hindered[where] = rates.free[rows, stage], rates.hindered[rows, stage]
        self.firm[where] = rates.firm[rows, stage]
        self.until_s[where], self.green_s[where] = lost_s[rows, 0], 0.0


def make_rates(plant: Plant, traffic: Traffic, model: Model) -> Rates:
    """Rates from who wants to go where, what lies behind the junction, and who stands first in a lane.

    A lane is served in its order, so its headway is the mean of its vehicles' headways, not its rate that of their rates.
    """
    flow = traffic.arrivals.mean(0) / STEP_S
    rivals = np.minimum(1.0, np.matmul(plant.yields, flow[:, :, None])[:, :, 0])
    gaps = np.matmul(plant.lane_of, np.exp(-model.gap_s * rivals)[:, :, None])[:, :, 0]
    red = np.full_like(plant.permitted, model.blocked) * (1.0 - plant.protected - plant.permitted)
    free, hindered = (
        _rate(plant, traffic, plant.protected + plant.permitted * ease + red, model)
        for ease in (np.maximum(gaps, model.squeeze)[:, None, :], model.squeeze)
    )
    firm = np.matmul(plant.protected, plant.lane_of) > 0
    held = np.where(_held_by_the_first(plant, traffic), model.blocked, 1.0)
    return Rates(*(one.astype(SINGLE) for one in (free * held, hindered * held, firm, free > 0)))


def _rate(plant: Plant, traffic: Traffic, ease: Floats, model: Model) -> Floats:
    """[J,S,L] from how easily a link's vehicles go in a stage (1: at saturation flow); 0 where a stage opens none of a lane."""
    headway = traffic.share[:, None, :] / (model.saturation_per_s * ease * traffic.room[:, None, :])
    opened = np.matmul(plant.protected + plant.permitted, plant.lane_of) > 0
    return np.where(opened, 1.0 / np.maximum(1e-6, np.matmul(headway, plant.lane_of)), 0.0)


def _held_by_the_first(plant: Plant, traffic: Traffic) -> Flags:
    """[J,S,L] whether who stands first in a lane may not go in a stage."""
    green = plant.protected + plant.permitted
    link = np.maximum(traffic.first, 0)[:, None, :]
    may = np.take_along_axis(green, np.broadcast_to(link, (*green.shape[:2], link.shape[2])), 2)
    return np.asarray((may == 0) & (traffic.first >= 0)[:, None, :])


def begin(plant: Plant, traffic: Traffic, rates: Rates, stage: Whole, green_s: Floats, model: Model) -> Play:
    """Every first choice made: `stage` [J] is on show for `green_s` [J]."""
    j, s = plant.valid.shape
    now = np.repeat(stage[:, None], s + len(HOLDS_S), axis=1)
    first = np.concatenate([np.tile(np.arange(s), (j, 1)), now[:, s:]], axis=1)
    hold = np.tile(np.array([STEP_S] * s + list(HOLDS_S)), (j, 1))
    rows, lanes = np.arange(j)[:, None], plant.lanes
    play = Play(
        stage=now.copy(),
        until_s=np.zeros(now.shape),
        green_s=np.repeat(green_s[:, None].astype(float), now.shape[1], axis=1),
        least_s=plant.least_s[rows, now],
        hold_s=hold,
        queue=np.repeat(traffic.queue[:, None, :], now.shape[1], axis=1).astype(SINGLE),
        free=rates.free[rows, now],
        hindered=rates.hindered[rows, now],
        firm=rates.firm[rows, now],
        freed_before=np.zeros((*now.shape, lanes), SINGLE),
        cost=np.zeros(now.shape),
    )
    play.show((first != now).nonzero(), first, rates, plant, (plant.change_s + model.startup_s)[:, None])
    return play


def costs(plant: Plant, traffic: Traffic, stage: Whole, green_s: Floats, model: Model) -> Floats:
    """Vehicle seconds [J,P] of every first choice within the horizon and of the queues that it leaves; NEVER where a junction
    has no such stage."""
    j, s = plant.valid.shape
    every = np.full((j, s + len(HOLDS_S)), NEVER)
    for rows, size in plant.alike():
        some = _costs(plant.only(rows).cut(size), traffic.only(rows).cut(size), stage[rows], green_s[rows], model)
        every[rows, : size[0]], every[rows, s:] = some[:, : size[0]], some[:, size[0] :]
    return every


def _costs(plant: Plant, traffic: Traffic, stage: Whole, green_s: Floats, model: Model) -> Floats:
    rates = make_rates(plant, traffic, model)
    play = begin(plant, traffic, rates, stage, green_s, model)
    arrivals, soon = traffic.arrivals.astype(SINGLE), _soon(traffic, model).astype(SINGLE)
    yields = np.swapaxes(plant.yields, 1, 2).astype(SINGLE) if plant.yields.any() else None
    opens = np.ascontiguousarray(np.swapaxes(rates.opens, 1, 2))
    for step in range(STEPS):
        play.queue += arrivals[step][:, None, :]
        _serve(play, yields, model)
        _choose(play, plant, rates, opens, soon[step], model)
    most = rates.free.max(1) + 0.05
    left = model.left_s * play.queue + play.queue**2 / (2.0 * most[:, None, :])
    total = play.cost + left.sum(2)
    total[:, : plant.valid.shape[1]][~plant.valid] = NEVER
    return np.asarray(total)


def _soon(traffic: Traffic, model: Model) -> Floats:
    """[T,J,L] who arrives within `ahead_s` after each step."""
    width = int(model.ahead_s / STEP_S)
    padded = np.concatenate([traffic.arrivals, np.repeat(traffic.arrivals[-1:], width, axis=0)])
    return np.asarray(sum(padded[1 + one : 1 + one + STEPS] for one in range(width)))


def _serve(play: Play, yields: Singles | None, model: Model) -> None:
    rate = play.free
    if yields is not None:
        in_the_way = np.matmul((play.queue > model.least_queue) * play.firm, yields) > 0
        rate = np.where(in_the_way, play.hindered, rate)
    changing = play.until_s > 0
    where = changing.nonzero()
    if len(where[0]):
        rate = rate if rate is not play.free else rate.copy()
        rate[where] = np.minimum(rate[where], play.freed_before[where])
    play.queue -= np.minimum(play.queue, rate * STEP_S)
    play.cost += np.einsum("jpl->jp", play.queue) * STEP_S
    play.green_s += np.where(changing, 0.0, STEP_S)
    np.maximum(0.0, play.until_s - STEP_S, out=play.until_s)
    play.hold_s -= STEP_S


def _choose(play: Play, plant: Plant, rates: Rates, opens: Singles, soon: Singles, model: Model) -> None:
    """The greedy rule, where a stage may end."""
    free = (play.until_s <= 0) & (play.green_s >= play.least_s) & (play.hold_s <= 0)
    if not free.any():
        return
    batch = np.minimum(play.queue + soon[:, None, :], model.saturation_per_s * model.batch_s)
    served = np.matmul(batch, opens)
    here = np.take_along_axis(served, play.stage[:, :, None], 2)[:, :, 0]
    served -= np.where(plant.valid, 0.0, NEVER).astype(SINGLE)[:, None, :]
    np.put_along_axis(served, play.stage[:, :, None], -1.0, 2)
    best = served.argmax(2)
    most = np.take_along_axis(served, best[:, :, None], 2)[:, :, 0]
    lost = (plant.change_s + model.startup_s)[:, None]
    better = most * model.batch_s / (model.batch_s + lost) > here
    change = free & (better | (play.green_s > model.longest_s)) & (most > model.least_queue)
    play.show(change.nonzero(), best, rates, plant, lost)
