"""How far a junction's loops can be trusted, and what is done with the rest: adaptive -> actuated -> fixed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Set

from .estimate import DEAD_AFTER_S, GREEN
from .model import Junction, Lane, Memory, Reading, Shown

ADAPTIVE, ACTUATED, FIXED = "adaptive", "actuated", "fixed"
LEVELS = (ADAPTIVE, ACTUATED, FIXED)
FOR_ADAPTIVE, FOR_ACTUATED = 0.75, 0.25  # shares of the loops that must live: of all, of those at stop lines
GAP_S, BLIND_S, LONGEST_S = 3.0, 20.0, 40.0


def live_loops(junction: Junction, latest: Mapping[str, Reading], now_s: float, began_s: float) -> set[str]:
    """The loops that gave a sign of life within DEAD_AFTER_S; one never heard is waited for so long."""
    loops = (name for lane in junction.lanes for name in (lane.stop, lane.far) if name)
    return {name for name in loops if now_s - (latest[name].at_s if name in latest else began_s) < DEAD_AFTER_S}


def level_of(junction: Junction, live: Set[str]) -> str:
    """One of LEVELS: queues need all loops, gaps those at the stop lines."""
    stop = [lane.stop for lane in junction.lanes if lane.stop]
    if _share([*stop, *(lane.far for lane in junction.lanes if lane.far)], live) >= FOR_ADAPTIVE:
        return ADAPTIVE
    return ACTUATED if _share(stop, live) >= FOR_ACTUATED else FIXED


def _share(loops: list[str], live: Set[str]) -> float:
    return sum(name in live for name in loops) / max(1, len(loops))


def actuate(junction: Junction, memory: Memory, live: Set[str], shown: Shown, may: Set[int], now_s: float) -> int:
    """The stage to show by gaps alone: green lasts while somebody passes a live loop, or BLIND_S where a loop is dead; then
    comes the stage of whoever waits longest. A lane whose loop is dead always calls."""
    stage = shown.stage or 0
    serving = [lane for lane in junction.lanes if _is_green(lane, shown.state)]
    green_s = now_s - shown.since_s
    blind = any(lane.stop not in live for lane in serving) and green_s < BLIND_S
    flows = any(_is_passed(lane, memory, live, now_s) for lane in serving) and green_s < LONGEST_S
    calls = [lane for lane in junction.lanes if lane not in serving and _calls(lane, memory, live)]
    if blind or flows or not calls:
        return stage
    longest = min(calls, key=lambda lane: min(memory.red_since_s[link] for link in lane.links))
    fit = [number for number in sorted(may) if _is_green(longest, junction.stages[number])]
    return max(fit, key=lambda number: sum(_is_green(lane, junction.stages[number]) for lane in calls), default=stage)


def _is_green(lane: Lane, state: str) -> bool:
    return all(state[link] in GREEN for link in lane.links)


def _is_passed(lane: Lane, memory: Memory, live: Set[str], now_s: float) -> bool:
    stop = memory.lanes[lane.id].stop
    return lane.stop in live and stop is not None and stop.occupancy > 0 and now_s - stop.at_s < GAP_S


def _calls(lane: Lane, memory: Memory, live: Set[str]) -> bool:
    """Whether somebody stands at the line; counts between loops are not believed when some of them are dead."""
    stop = memory.lanes[lane.id].stop
    return lane.stop not in live or (stop is not None and stop.occupancy > 0)
