"""What each choice of a stage would cost: every choice is played forward for a minute by a simple rule (a rollout).

The rule is greedy: the stage that lets most vehicles go in the next seconds, the change to it included. To play each
first choice forward by it and to take the cheapest is one step of policy iteration, which is never worse than the rule
in the model (Bertsekas, Tsitsiklis and Wu 1997); receding and repeated each second it is the schedule-driven control of
SURTRAC (Smith et al. 2013) with queues in the place of clusters. The model is a vertical queue for each lane. Who gives
way waits while those who have right of way still queue, and finds gaps among those who arrive (Highway Capacity Manual).

All junctions and all choices are played at once, as arrays: P choices are S first stages, then the present stage held
for each of `HOLDS_S`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .plant import Flags, Floats, Plant, Whole
from .traffic import STEP_S, STEPS, Traffic

HOLDS_S = (2.0, 4.0, 7.0, 11.0, 16.0, 24.0)
NEVER = 1e18


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


@dataclass
class Play:
    """The state of every choice [J,P]: the stage on show or on its way, the one before, seconds until it is green, seconds of
    green, seconds to hold it; `queue` [J,P,L] and the vehicle seconds so far."""

    stage: Whole
    before: Whole
    until_s: Floats
    green_s: Floats
    hold_s: Floats
    queue: Floats
    cost: Floats


@dataclass(frozen=True)
class Rates:
    """Vehicles per s that a stage lets go from a lane [J,S,L], while nobody is in the way of those who give way, and while
    somebody is; `firm` is 1 where a stage gives a lane right of way, `opens` also where it has to give way."""

    free: Floats
    hindered: Floats
    firm: Floats
    opens: Floats


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
    return Rates(free * held, hindered * held, firm.astype(float), (free > 0).astype(float))


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


def begin(plant: Plant, traffic: Traffic, stage: Whole, green_s: Floats, model: Model) -> Play:
    """Every first choice made: `stage` [J] is on show for `green_s` [J]."""
    j, s = plant.valid.shape
    now = np.repeat(stage[:, None], s + len(HOLDS_S), axis=1)
    first = np.concatenate([np.tile(np.arange(s), (j, 1)), now[:, s:]], axis=1)
    hold = np.tile(np.array([STEP_S] * s + list(HOLDS_S)), (j, 1))
    changes = first != now
    lost = (plant.change_s + model.startup_s)[:, None]
    return Play(
        stage=first,
        before=now,
        until_s=np.where(changes, lost, 0.0),
        green_s=np.where(changes, 0.0, green_s[:, None]),
        hold_s=hold,
        queue=np.repeat(traffic.queue[:, None, :], s + len(HOLDS_S), axis=1),
        cost=np.zeros(now.shape),
    )


def costs(plant: Plant, traffic: Traffic, stage: Whole, green_s: Floats, model: Model) -> Floats:
    """Vehicle seconds [J,P] of every first choice within the horizon and of the queues that it leaves; NEVER where a junction
    has no such stage."""
    rates, play = make_rates(plant, traffic, model), begin(plant, traffic, stage, green_s, model)
    soon = _soon(traffic, model)
    yields = np.swapaxes(plant.yields, 1, 2) if plant.yields.any() else None
    for step in range(STEPS):
        play.queue += traffic.arrivals[step][:, None, :]
        _serve(play, rates, yields, model)
        _choose(play, plant, rates, soon[step], model)
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


def _serve(play: Play, rates: Rates, yields: Floats | None, model: Model) -> None:
    rows = np.arange(len(play.stage))[:, None]
    rate = rates.free[rows, play.stage]
    if yields is not None:
        in_the_way = np.matmul((play.queue > model.least_queue) * rates.firm[rows, play.stage], yields) > 0
        rate = np.where(in_the_way, rates.hindered[rows, play.stage], rate)
    changing = play.until_s > 0
    rate = np.where(changing[:, :, None], np.minimum(rate, rates.free[rows, play.before]), rate)
    play.queue -= np.minimum(play.queue, rate * STEP_S)
    play.cost += play.queue.sum(2) * STEP_S
    play.green_s = np.where(changing, play.green_s, play.green_s + STEP_S)
    play.until_s = np.maximum(0.0, play.until_s - STEP_S)
    play.hold_s = play.hold_s - STEP_S


def _choose(play: Play, plant: Plant, rates: Rates, soon: Floats, model: Model) -> None:
    """The greedy rule, where a stage may end."""
    rows = np.arange(len(play.stage))[:, None]
    least = plant.least_s[rows, play.stage]
    free = (play.until_s <= 0) & (play.green_s >= least) & (play.hold_s <= 0)
    if not free.any():
        return
    batch = np.minimum(play.queue + soon[:, None, :], model.saturation_per_s * model.batch_s)
    served = np.matmul(batch, np.swapaxes(rates.opens, 1, 2))
    here = np.take_along_axis(served, play.stage[:, :, None], 2)[:, :, 0]
    other = np.where(plant.valid[:, None, :], served, -1.0)
    np.put_along_axis(other, play.stage[:, :, None], -1.0, 2)
    best, most = other.argmax(2), other.max(2)
    lost = (plant.change_s + model.startup_s)[:, None]
    better = most * model.batch_s / (model.batch_s + lost) > here
    change = free & (better | (play.green_s > model.longest_s)) & (most > model.least_queue)
    play.before = np.where(change, play.stage, play.before)
    play.stage = np.where(change, best, play.stage)
    play.until_s = np.where(change, lost, play.until_s)
    play.green_s = np.where(change, 0.0, play.green_s)
