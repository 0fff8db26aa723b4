"""Which stage a junction should show next: the priority index of Lämmer and Helbing (2008) over measured queues.

For each stage: vehicles it would serve, divided by the time that takes, the change to it included. The stage on show
pays no change, so it stays while it discharges well and yields when another serves more people per second.
Guards: minimum green, a bound on red, exits without room, weather.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .model import Junction, Lane, LaneMemory, Memory, Shown

GREEN = frozenset("Gg")


@dataclass(frozen=True)
class Settings:
    """Times in s, flows in vehicles per s and lane."""

    saturation_per_s: float = 0.5
    startup_s: float = 2.0
    max_red_s: float = 130.0
    red_factor: float = 1.5
    horizon_s: float = 40.0
    yield_weight: float = 0.5
    stuck_weight: float = 0.1
    stuck_after_s: float = 10.0
    jam_after_s: float = 12.0
    jam_s: float = 0.0
    margin: float = 1.3
    wait_gain_per_s: float = 0.0
    spill_weight: float = 1.0
    ahead_floor: float = 0.3
    foresight: float = 0.5
    usual_s: float = 25.0
    keep: float = 0.8
    stretch: float = 1.6
    least_score: float = 0.02


@dataclass(frozen=True)
class Surroundings:
    """What else the city knows: rain (mm/h), whether an accident lies beside the junction."""

    rain_mm_h: float = 0.0
    accident: bool = False


CALM = Surroundings()
RELEASE = -1


def decide(
    junction: Junction,
    memory: Memory,
    shown: Shown,
    now_s: float,
    around: Surroundings = CALM,
    how: Settings | None = None,
) -> int | None:
    """The stage wanted now; RELEASE leaves a jam to the fixed program; None in transition.

    Within the minimum green it is the stage on show: a program that gives every stage its minimum would otherwise end
    each before the app could ask to keep it, and a junction that fell back would never be taken over again.
    """
    how = how or Settings()
    if now_s < memory.jammed_until_s:
        return RELEASE
    current = shown.stage
    if current is None or not 0 <= current < len(junction.stages):
        return None
    if now_s - shown.since_s < junction.min_green_s[current]:
        return current
    starved = _starved(junction, memory, current, now_s, how)
    if starved is not None:
        return starved
    unseen = _overdue(junction, memory, now_s, how)
    if unseen is not None:
        return unseen
    green_s = now_s - shown.since_s
    usual = junction.usual_s[current] if current < len(junction.usual_s) else how.usual_s
    if green_s < usual * how.keep and _discharging(junction, memory, shown):
        return current
    scores = [
        0.0 if stage in memory.barred else _index(junction, memory, stage, shown, now_s, around, how)
        for stage in range(len(junction.stages))
    ]
    if green_s > usual * how.stretch:
        # Others wait and this stage has had more than its usual time: the best of them, however well this one runs.
        scores[current] = 0.0
    best = max(range(len(scores)), key=lambda stage: (scores[stage], stage == current))
    if scores[best] <= scores[current] * how.margin or scores[best] <= how.least_score:
        return current
    return best


def notice_jams(
    junctions: Sequence[Junction],
    memories: Mapping[str, Memory],
    shown: Mapping[str, Shown],
    now_s: float,
    how: Settings,
) -> None:
    """Green and nobody moves: the streets behind are full. That junction and those that feed it go back to the fixed
    program for a while: its splits and offsets meter what a bottleneck out of sight of the loops can take, while the
    rule would go on filling it from every side.
    """
    for junction in junctions:
        seen = shown.get(junction.id)
        if seen is None or seen.stage is None or now_s - seen.since_s < how.jam_after_s:
            continue
        for lane in junction.lanes:
            belief = memories[junction.id].lanes.get(lane.id)
            if belief is None or not lane.stop or not all(seen.state[link] in GREEN for link in lane.links):
                continue
            # Who must give way may stand for other reasons, for a while.
            patience = how.jam_after_s * (1.0 if all(seen.state[link] == "G" for link in lane.links) else 2.0)
            if belief.stop_still_s is not None and now_s - max(belief.stop_still_s, seen.since_s) > patience:
                for name in {junction.id, *(up for up, _, _ in lane.feeders)}:
                    if name in memories:
                        memories[name].jammed_until_s = now_s + how.jam_s


def _discharging(junction: Junction, memory: Memory, shown: Shown) -> bool:
    """Whether the stage on show still lets a queue go: taking green from it early is what starves small approaches."""
    state = junction.stages[shown.stage or 0]
    for lane in junction.lanes:
        belief = memory.lanes.get(lane.id)
        if belief is None or not _open(state, lane) or belief.queue < 1.0:
            continue
        stop = belief.stop
        if stop is None or stop.count > 0 or stop.at_s - shown.since_s < 8.0:
            return True
    return False


def _starved(junction: Junction, memory: Memory, current: int, now_s: float, how: Settings) -> int | None:
    """The stage that serves the longest waiting lane, when that has waited past the bound."""
    worst, waited = None, how.max_red_s
    for lane in junction.lanes:
        belief = memory.lanes.get(lane.id)
        if belief is None or _open(junction.stages[current], lane):
            continue
        red = now_s - max(belief.served_s, belief.red_since_s)
        if red > waited and belief.queue >= 0.5:
            worst, waited = lane, red
    if worst is None:
        return None
    serving = [
        stage for stage, state in enumerate(junction.stages) if _open(state, worst) and stage not in memory.barred
    ]
    return max(
        serving,
        key=lambda s: sum(memory.lanes[x.id].queue for x in junction.lanes if _open(junction.stages[s], x)),
        default=None,
    )


def _overdue(junction: Junction, memory: Memory, now_s: float, how: Settings) -> int | None:
    """The stage that opens the link that has been red for longest, when the command room would soon refuse every other:
    it counts links, also those on which nobody waits and those that a lane shares with open ones."""
    bound = how.red_factor * junction.max_red_s
    over = [link for link, since in enumerate(memory.red_since_s) if now_s - since > bound]
    for link in sorted(over, key=lambda link: memory.red_since_s[link]):
        for stage, state in enumerate(junction.stages):
            if state[link] in GREEN and stage not in memory.barred:
                return stage
    return None


def _index(
    junction: Junction, memory: Memory, stage: int, shown: Shown, now_s: float, around: Surroundings, how: Settings
) -> float:
    """Vehicles served per second, change included: the best over how long the stage might run."""
    state = junction.stages[stage]
    staying = stage == shown.stage
    lost = 0.0 if staying else _lost_s(junction, shown.state, state, how)
    least = 2.0 if staying else junction.min_green_s[stage]
    saturation = how.saturation_per_s * (0.85 if around.rain_mm_h > 0.5 else 1.0)
    lanes = [
        (memory.lanes[lane.id], rate * saturation, lane)
        for lane in junction.lanes
        if lane.id in memory.lanes
        and (rate := _rate(junction, memory, lane, state, shown, staying, now_s, around, how)) > 0
    ]
    best = 0.0
    for green in {least, *(_clear_s(b, rate, lost, least, how) for b, rate, _ in lanes)}:
        served = 0.0
        for belief, rate, lane in lanes:
            there = belief.queue + how.foresight * belief.coming + belief.flow_per_s * (lost + green)
            served += min(there, rate * max(green, 2.0)) * _impatience(lane, belief, now_s, how)
        best = max(best, served / (lost + green))
    return best


def _clear_s(belief: LaneMemory, rate: float, lost_s: float, least_s: float, how: Settings) -> float:
    """Green that empties a lane (s), within the horizon."""
    net = max(0.05, rate - belief.flow_per_s)
    return min(how.horizon_s, max(least_s, (belief.queue + belief.flow_per_s * lost_s) / net))


def _impatience(lane: Lane, belief: LaneMemory, now_s: float, how: Settings) -> float:
    """Weight of a lane: grows with its red, and where the queue stands back over the far loop into other streets."""
    spill = how.spill_weight * belief.fill**2 if lane.feeders else 0.0
    red = max(0.0, now_s - max(belief.served_s, belief.red_since_s))
    return (1.0 + how.wait_gain_per_s * red) * (1.0 + spill)


def _lost_s(junction: Junction, shown: str, wanted: str, how: Settings) -> float:
    """Seconds without discharge when the stage changes; a stage that only adds green costs its start-up alone."""
    ends = any(a in GREEN and b not in GREEN for a, b in zip(shown, wanted, strict=False))
    return how.startup_s + (junction.yellow_s + junction.all_red_s if ends else 0.0)


def _open(state: str, lane: Lane) -> bool:
    return any(state[link] in GREEN for link in lane.links)


def _rate(
    junction: Junction,
    memory: Memory,
    lane: Lane,
    state: str,
    shown: Shown,
    staying: bool,
    now_s: float,
    around: Surroundings,
    how: Settings,
) -> float:
    """Share (0..1) of a lane's saturation flow that a stage lets go."""
    letters = [state[link] for link in lane.links]
    share = sum(1.0 if c == "G" else how.yield_weight if c == "g" else 0.0 for c in letters) / len(letters)
    if share <= 0:
        return 0.0
    belief = memory.lanes[lane.id]
    share *= how.ahead_floor + (1.0 - how.ahead_floor) * min(1.0, 2.0 * belief.ahead)
    if lane.exits:
        full = sum(_stands(memory.full_since_s.get(d), now_s, how) for d in lane.exits)
        share *= 1.0 - (1.0 - how.stuck_weight) * full / len(lane.exits)
    if staying and _stands(belief.stop_still_s, now_s, how) and now_s - shown.since_s > how.stuck_after_s:
        # Green and nobody moves: no way out, or an accident.
        return share * (0.0 if around.accident else how.stuck_weight)
    return share


def _stands(since_s: float | None, now_s: float, how: Settings) -> bool:
    """Whether somebody has stood on a loop for long."""
    return since_s is not None and now_s - since_s > how.stuck_after_s
