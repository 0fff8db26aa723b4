"""Queues from loops: vehicles in over the far loop, out over the stop line, corrected by what the loops see standing.

Counting in and out is the input-output method (Sharma, Bullock and Bonneson 2007); it drifts, so occupancy corrects it:
a covered stop line on red is a queue of one at least, a covered far loop is a full lane, and a stop line left bare on
green is an empty lane.
"""

from __future__ import annotations

from collections.abc import Mapping

from .model import CAR_M, Junction, Lane, LaneMemory, Memory, Reading, Shown

GREEN = frozenset("Gg")
SMOOTHING_S = 120.0
STANDING = 0.6
STILL_S = 5.0
BARE = 0.08
BARE_AFTER_S = 5.0
DOUBT_AFTER_S = 150.0  # a loop may miss who waits
RECALL_AFTER_S = 60.0  # somebody may wait where no loop lies
DEAD_AFTER_S = 150.0  # a loop speaks once a minute even when nothing happens


def silences(latest: Mapping[str, Reading]) -> dict[str, Reading]:
    """What silence says. Loops report by exception: who said nothing by the time of the newest report has counted
    nobody since and is covered as before. A loop without a sign of life for long is left out.
    """
    newest = max((reading.at_s for reading in latest.values()), default=0.0)
    return {
        name: Reading(0.0, reading.occupancy, newest)
        for name, reading in latest.items()
        if 0.0 < newest - reading.at_s < DEAD_AFTER_S
    }


def update(junction: Junction, memory: Memory, readings: Mapping[str, Reading], shown: Shown, now_s: float) -> None:
    """Fold new loop periods (by detector) into the junction's beliefs."""
    elapsed = max(0.0, now_s - memory.updated_s) if memory.updated_s else 0.0
    memory.updated_s = now_s
    for lane in junction.lanes:
        belief = memory.lanes.setdefault(lane.id, LaneMemory(red_since_s=now_s))
        _count(lane, belief, readings, now_s, elapsed)
        for detector in lane.exits:
            if detector in readings:
                since = still_since(readings[detector], memory.full_since_s.get(detector))
                if since is None:
                    memory.full_since_s.pop(detector, None)
                else:
                    memory.full_since_s[detector] = since
    _balance(junction, memory)
    for lane in junction.lanes:
        belief = memory.lanes[lane.id]
        _correct(lane, belief, shown, now_s, elapsed)
        belief.fill = min(1.5, belief.queue / lane.room)
    if len(memory.red_since_s) != len(shown.state):
        memory.red_since_s = [now_s] * len(shown.state)
    for link, letter in enumerate(shown.state):
        if letter in GREEN:
            memory.red_since_s[link] = now_s


def _count(lane: Lane, belief: LaneMemory, readings: Mapping[str, Reading], now_s: float, elapsed_s: float) -> None:
    """Vehicles in by the far loop, out by the stop line; flow from the loop that sees arrivals, else departures."""
    far = readings.get(lane.far) if lane.far else None
    stop = readings.get(lane.stop) if lane.stop else None
    if far:
        belief.far, belief.far_still_s = far, still_since(far, belief.far_still_s)
        belief.queue += far.count
        if far.count:
            belief.arrivals.append((far.at_s, far.count))
    if stop:
        belief.stop, belief.stop_still_s = stop, still_since(stop, belief.stop_still_s)
        belief.queue -= stop.count
        if not lane.far:
            belief.queue = max(0.0, belief.queue)
    travel = lane.far_m / lane.speed_mps
    while belief.arrivals and belief.arrivals[0][0] < now_s - travel - 4.0:
        belief.arrivals.popleft()
    counted = far.count if far else stop.count if stop and not lane.far else 0.0
    keep = max(0.0, 1.0 - elapsed_s / SMOOTHING_S)
    belief.flow_per_s = belief.flow_per_s * keep + counted / SMOOTHING_S


def _correct(lane: Lane, belief: LaneMemory, shown: Shown, now_s: float, elapsed_s: float) -> None:
    """What the loops see standing overrules what was counted."""
    green = any(shown.state[link] in GREEN for link in lane.links if link < len(shown.state))
    belief.opened_s = now_s if green and not belief.open else belief.opened_s
    belief.open = green
    if green:
        belief.served_s = now_s
    stop, far = belief.stop, belief.far
    if stop and green and stop.at_s - shown.since_s > BARE_AFTER_S and stop.occupancy < BARE and stop.count == 0:
        belief.queue = min(belief.queue, sum(count for _, count in belief.arrivals))
    if not lane.stop:
        waited = now_s - max(belief.served_s, belief.red_since_s)
        belief.queue = 0.0 if green or waited < RECALL_AFTER_S else 1.0
        return
    if not green and now_s - max(belief.served_s, belief.red_since_s) > DOUBT_AFTER_S:
        belief.queue = max(belief.queue, 1.0)
    room = max(1.0, lane.far_m / CAR_M) if lane.far else max(2.0, lane.length_m / CAR_M)
    if stop and stop.occupancy > STANDING:
        belief.queue = max(belief.queue, 1.0)
        if not lane.far and not green:
            belief.queue += belief.flow_per_s * elapsed_s
    if far and belief.far_still_s is not None and now_s - belief.far_still_s > STILL_S:
        belief.queue = max(belief.queue, room) + belief.flow_per_s * elapsed_s
    belief.queue = min(belief.queue, room * 2 + 2)


def still_since(reading: Reading, before_s: float | None) -> float | None:
    """Since when somebody stands on a loop: covered and nobody passed. One period may be a passing car."""
    if reading.occupancy < 0.9 or reading.count > 0:
        return None
    return reading.at_s if before_s is None else before_s


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
