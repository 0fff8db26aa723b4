"""What the loops are believed to have seen -> traffic: queues now, arrivals on their way, room behind. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .model import Junction, Lane, LaneMemory, Memory
from .plant import Plant
from .traffic import STEP_S, STEPS, Traffic, no_traffic

DISCHARGE_PER_S = 0.5
LEAST_ROOM = 0.1
FULL_AFTER_S = 10.0


def expect(
    plant: Plant, junctions: Sequence[Junction], memories: Mapping[str, Memory], now_s: float, rain: bool = False
) -> Traffic:
    """Traffic of junctions in the plant's order. In rain everything flows slower (Highway Capacity Manual)."""
    traffic = no_traffic(plant)
    for row, junction in enumerate(junctions):
        memory = memories[junction.id]
        for number, lane in enumerate(junction.lanes):
            belief = memory.lanes.get(lane.id)
            if belief is not None:
                _place(traffic, row, number, lane, belief, now_s)
                _feed(traffic, row, number, lane, memories)
                room = _room(lane, junction.id, memories, now_s) * (0.85 if rain else 1.0)
                traffic.room[row, list(lane.links)] = room
    return traffic


def _place(traffic: Traffic, row: int, number: int, lane: Lane, belief: LaneMemory, now_s: float) -> None:
    """Who passed the far loop is on the way for as long as the way takes; the rest of those counted stand."""
    travel_s = lane.far_m / lane.speed_mps
    moving = 0.0
    for at_s, count in belief.arrivals:
        step = int((at_s + travel_s - now_s) / STEP_S)
        if 0 < step < STEPS:
            traffic.arrivals[step, row, number] += count
            moving += count
    traffic.queue[row, number] = max(0.0, belief.queue - moving)
    beyond = int(travel_s / STEP_S) + 1
    traffic.arrivals[beyond:, row, number] += belief.flow_per_s * STEP_S


def _feed(traffic: Traffic, row: int, number: int, lane: Lane, memories: Mapping[str, Memory]) -> None:
    """What the open lanes before this one still hold comes as they let it go, in the place of the usual flow."""
    coming = 0.0
    for upstream, feeder, share in lane.feeders:
        source = memories[upstream].lanes.get(feeder) if upstream in memories else None
        if source is not None and source.open:
            coming += share * source.queue
    first = int(lane.length_m / lane.speed_mps / STEP_S) + 1
    for step in range(first, STEPS):
        if coming <= 0:
            return
        more = min(coming, DISCHARGE_PER_S * STEP_S)
        traffic.arrivals[step, row, number] = max(traffic.arrivals[step, row, number], more)
        coming -= more


def _room(lane: Lane, mine: str, memories: Mapping[str, Memory], now_s: float) -> float:
    """Share (0..1) of a lane's flow that finds room behind the junction `mine`. Green for long and nobody moves: none does, be
    it for a queue ahead or for an accident. A short street within a joint junction is drained when it is fed."""
    memory = memories[mine]
    belief = memory.lanes[lane.id]
    if (
        belief.open
        and belief.stop_still_s is not None
        and now_s - max(belief.stop_still_s, belief.opened_s) > FULL_AFTER_S
    ):
        return LEAST_ROOM
    free = [_is_free(memory.full_since_s.get(loop), now_s) for loop in lane.exits]
    for _, junction, out in lane.outs:
        behind = memories[junction].lanes.get(out) if junction in memories and junction != mine else None
        free.append(behind is None or behind.fill < 1.0)
    return max(LEAST_ROOM, sum(free) / len(free)) if free else 1.0


def _is_free(full_since_s: float | None, now_s: float) -> bool:
    return full_since_s is None or now_s - full_since_s < FULL_AFTER_S
