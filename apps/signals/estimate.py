"""Queues from loops: vehicles in over the far loop, out over the stop line, corrected by what the loops see standing.

Counting in and out is the input-output method (Sharma, Bullock and Bonneson 2007); it drifts, so occupancy corrects it:
a covered stop line on red is a queue of one at least, a covered far loop is a full lane, and a stop line left bare on
green is an empty lane.
"""

from __future__ import annotations

from collections.abc import Mapping

from .model import Junction, Lane, LaneMemory, Memory, Reading, Shown

GREEN = frozenset("Gg")
CAR_M = 7.5
SMOOTHING_S = 120.0
STANDING = 0.6
FULL = 0.75
BARE = 0.08
BARE_AFTER_S = 5.0


def update(junction: Junction, memory: Memory, readings: Mapping[str, Reading], shown: Shown, now_s: float) -> None:
    """Fold new loop periods (by detector) into the junction's beliefs."""
    elapsed = max(0.0, now_s - memory.updated_s) if memory.updated_s else 0.0
    memory.updated_s = now_s
    for lane in junction.lanes:
        belief = memory.lanes.setdefault(lane.id, LaneMemory(red_since_s=now_s))
        _count_in(lane, belief, readings, now_s, elapsed)
        _count_out(lane, belief, readings)
        _correct(lane, belief, shown, now_s)
        for detector in lane.exits:
            if detector in readings:
                memory.exits[detector] = readings[detector]
    _balance(junction, memory)
    if shown.stage is not None:
        memory.stage_seen_s[shown.stage] = now_s


def _count_in(lane: Lane, belief: LaneMemory, readings: Mapping[str, Reading], now_s: float, elapsed_s: float) -> None:
    reading = readings.get(lane.far) if lane.far else None
    count = reading.count if reading else 0.0
    if reading:
        belief.far = reading
        belief.queue += count
        if count:
            belief.arrivals.append((reading.at_s, count))
    travel = lane.far_m / lane.speed_mps
    while belief.arrivals and belief.arrivals[0][0] < now_s - travel - 4.0:
        belief.arrivals.popleft()
    keep = max(0.0, 1.0 - elapsed_s / SMOOTHING_S)
    belief.flow_per_s = belief.flow_per_s * keep + count / SMOOTHING_S


def _count_out(lane: Lane, belief: LaneMemory, readings: Mapping[str, Reading]) -> None:
    reading = readings.get(lane.stop) if lane.stop else None
    if reading:
        belief.stop = reading
        belief.queue -= reading.count


def _correct(lane: Lane, belief: LaneMemory, shown: Shown, now_s: float) -> None:
    green = any(shown.state[link] in GREEN for link in lane.links if link < len(shown.state))
    if green:
        belief.served_s = now_s
    else:
        belief.red_since_s = max(belief.red_since_s, belief.served_s)
    stop, far = belief.stop, belief.far
    if stop and green and now_s - shown.since_s > BARE_AFTER_S and stop.at_s - shown.since_s > BARE_AFTER_S - 1:
        if stop.occupancy < BARE and stop.count == 0:
            belief.queue = min(belief.queue, sum(count for _, count in belief.arrivals))
    room = max(1.0, lane.far_m / CAR_M)
    if stop and stop.occupancy > STANDING:
        waited = max(0.0, now_s - belief.served_s) if not lane.far else 0.0
        belief.queue = max(belief.queue, 1.0 + min(6.0, 0.05 * waited))
    if far and far.occupancy > FULL:
        belief.queue = max(belief.queue, room)
    belief.queue = min(belief.queue, room * 1.3 + 2)


def _balance(junction: Junction, memory: Memory) -> None:
    """A lane that let out more than came in took them from its neighbours: vehicles change lanes between the loops."""
    by_approach: dict[str, list[LaneMemory]] = {}
    for lane in junction.lanes:
        by_approach.setdefault(lane.approach, []).append(memory.lanes[lane.id])
    for beliefs in by_approach.values():
        for belief in beliefs:
            if belief.queue >= 0:
                continue
            owed, belief.queue = -belief.queue, 0.0
            richest = max(beliefs, key=lambda b: b.queue)
            richest.queue = max(0.0, richest.queue - owed)
