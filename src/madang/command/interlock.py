"""What is physically unsafe is refused here, whatever its rank. Pure: a plan, what is shown, an intent -> a refusal.

The device keeps its own conflict monitor and timings besides (`ingest/sumo/controller.py`): yellow and all-red are its
work. The interlock sees to it that nothing is asked which those would have to correct.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from madang.command.arbiter import Refusal

GREEN = frozenset("Gg")
SILENT_AFTER_S = 300.0
# The entity's maxRed_s is for somebody who waits. Whether somebody does the interlock cannot know: it refuses at twice.
RED_FACTOR = 2.0


@dataclass(frozen=True)
class SignalPlan:
    """What a TrafficSignalController entity's `stages` says: green states by number, excluded pairs, times in s.

    `conflicts` maps a pair of links (low, high) to who yields: "a", "b", "ab" or "".
    """

    stages: Mapping[int, str]
    conflicts: Mapping[tuple[int, int], str]
    min_green_s: float
    yellow_s: float
    all_red_s: float
    max_red_s: float


def read_plan(stages: Mapping[str, Any]) -> SignalPlan:
    """Plan of the entity's `stages` JSON (format: docs/ARCHITECTURE.md). Raises KeyError, TypeError, ValueError."""
    return SignalPlan(
        stages={int(row["stage"]): str(row["state"]) for row in stages["green"]},
        conflicts={(int(row[0]), int(row[1])): str(row[2]) for row in stages["conflicts"]},
        min_green_s=float(stages["minGreen_s"]),
        yellow_s=float(stages["yellow_s"]),
        all_red_s=float(stages["allRed_s"]),
        max_red_s=RED_FACTOR * float(stages["maxRed_s"]),
    )


@dataclass
class Shown:
    """What a controller shows, from its own reports: since when, and since when each link is red."""

    state: str
    stage: int | None
    since: datetime
    heard: datetime
    red_since: list[datetime] = field(default_factory=list)

    def report(self, state: str, stage: int | None, at: datetime) -> None:
        """Fold a report of the controller."""
        if len(self.red_since) != len(state):
            self.red_since = [at] * len(state)
        for link, letter in enumerate(state):
            was_green = link < len(self.state) and self.state[link] in GREEN
            if letter in GREEN or was_green:
                self.red_since[link] = at
        if state != self.state or stage != self.stage:
            self.since = at
        self.state, self.stage, self.heard = state, stage, at


def first_report(state: str, stage: int | None, at: datetime) -> Shown:
    """What is known after the first report of a controller."""
    return Shown(state, stage, at, at, [at] * len(state))


def refuse_signal(plan: SignalPlan, shown: Shown | None, value: Mapping[str, Any], now: datetime) -> Refusal | None:
    """Why a `signal.stage` value may not go to the controller now; None when it may."""
    stage = _stage_of(plan, value)
    if isinstance(stage, Refusal):
        return stage
    if shown is None or (now - shown.heard) > timedelta(seconds=SILENT_AFTER_S):
        return Refusal("device_silent", "the controller has not reported what it shows")
    clash = find_conflict(plan, plan.stages[stage])
    if clash:
        return Refusal("conflicting_greens", f"links {clash[0]} and {clash[1]} exclude each other")
    if stage == shown.stage:
        return _too_red(plan, shown, stage, now)
    if shown.stage is None:
        return Refusal("in_transition", "the controller is changing stages")
    green_s = (now - shown.since).total_seconds()
    if green_s < plan.min_green_s:
        told = {"green_s": round(green_s, 1), "least_s": plan.min_green_s}
        return Refusal("minimum_green", f"{green_s:.1f} s of {plan.min_green_s:g} s minimum green", told)
    return _too_red(plan, shown, stage, now)


def _stage_of(plan: SignalPlan, value: Mapping[str, Any]) -> int | Refusal:
    """The stage a value names by number, or by the state it would show."""
    if "state" in value:
        return _stage_of_state(plan, value["state"])
    stage = value.get("stage")
    if isinstance(stage, bool) or not isinstance(stage, int):
        return Refusal("bad_value", "value needs a whole number `stage` or a text `state`")
    if stage not in plan.stages:
        return Refusal("unknown_stage", f"the controller has stages {sorted(plan.stages)}")
    return stage


def _stage_of_state(plan: SignalPlan, state: Any) -> int | Refusal:
    lengths = {len(known) for known in plan.stages.values()}
    if not isinstance(state, str) or len(state) not in lengths or set(state) - set("GgyrsuoO"):
        return Refusal("bad_value", "state is one of SUMO's letters for each link")
    clash = find_conflict(plan, state)
    if clash:
        return Refusal("conflicting_greens", f"links {clash[0]} and {clash[1]} exclude each other")
    known = next((number for number, shown in plan.stages.items() if shown == state), None)
    return known if known is not None else Refusal("unknown_stage", "no approved stage shows this state")


def find_conflict(plan: SignalPlan, state: str) -> tuple[int, int] | None:
    """Two links green together that may not be: both with right of way, or none of them yields."""
    for (a, b), yields in plan.conflicts.items():
        if (
            a < len(state)
            and b < len(state)
            and state[a] in GREEN
            and state[b] in GREEN
            and not _gives_way(state, a, b, yields)
        ):
            return a, b
    return None


def _gives_way(state: str, a: int, b: int, yields: str) -> bool:
    return ("a" in yields and state[a] == "g") or ("b" in yields and state[b] == "g")


def _too_red(plan: SignalPlan, shown: Shown, stage: int, now: datetime) -> Refusal | None:
    """Refuse to keep a link red past the bound when the stage asked for does not serve the longest waiting one."""
    bound = timedelta(seconds=plan.max_red_s)
    served = {link for state in plan.stages.values() for link, c in enumerate(state) if c in GREEN}
    waits = [
        (now - since, link)
        for link, since in enumerate(shown.red_since)
        if link in served and shown.state[link] not in GREEN
    ]
    over = [(wait, link) for wait, link in waits if wait > bound]
    if not over or any(plan.stages[stage][link] in GREEN for _, link in over):
        return None
    wait, link = max(over)
    return Refusal("maximum_red", f"link {link} has been red for {wait.total_seconds():.0f} s")
