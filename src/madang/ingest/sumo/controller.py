"""A simulated signal controller: the device at the junction, which trusts nobody.

It runs its fixed program; a command moves it to a stage by its own yellow and all-red, never before its own minimum
green, and only while the command lasts. When commands stop it falls back to the fixed program by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from madang.ingest.sumo.plan import GREEN, YELLOW, SignalPlan, find_conflict, greens, moving

FALLBACK_SHOWN_S = 90.0


@dataclass(frozen=True)
class Verdict:
    """What the device answers to a command."""

    command_id: str
    done: bool
    reason: str = ""


@dataclass
class _Step:
    """A state to show until a moment (s)."""

    state: str
    until_s: float


@dataclass
class SignalController:
    """One controller. Call `step(now_s)` once a simulated second before the simulator moves."""

    plan: SignalPlan
    state: str = ""
    stage: int | None = None
    mode: str = "fixed"
    since_s: float = 0.0
    _steps: list[_Step] = field(default_factory=list)
    _target: int | None = None
    _wanted: int | None = None
    _until_s: float = 0.0
    _fell_back_s: float = -1e9
    _red_since: list[float] = field(default_factory=list)

    def command(self, command_id: str, stage: Any, until_s: float, now_s: float) -> Verdict:
        """Ask for a stage until a simulated second; `stage` None gives the junction back to its program."""
        if stage is None:
            self._release(now_s)
            return Verdict(command_id, True)
        if isinstance(stage, bool) or not isinstance(stage, int) or not 0 <= stage < len(self.plan.stages):
            return Verdict(command_id, False, "unknown_stage")
        if until_s <= now_s:
            return Verdict(command_id, False, "expired")
        if self._steps and stage != self._target:
            return Verdict(command_id, False, "in_transition")
        if self._starves(stage, now_s):
            return Verdict(command_id, False, "maximum_red")
        self._wanted, self._until_s, self.mode = stage, until_s, "app"
        return Verdict(command_id, True)

    def step(self, now_s: float) -> str | None:
        """The state to show from now on when it changes, else None."""
        if not self.state:
            return self._show_fixed(now_s, now_s)
        if self.mode == "app" and now_s >= self._until_s:
            self._release(now_s)
        if self._steps:
            return self._advance(now_s)
        if self.mode == "app":
            return self._toward(self._due(now_s), now_s)
        if self.mode == "fallback":
            return self._rejoin(now_s)
        return self._show_fixed(now_s, self.since_s)

    def _release(self, now_s: float) -> None:
        if self.mode == "app":
            self.mode, self._wanted, self._fell_back_s = "fallback", None, now_s

    def _due(self, now_s: float) -> int:
        """The stage asked for, unless somebody has been red past the bound: then the stage that serves them."""
        assert self._wanted is not None
        if self.stage is None or not self._over_red(now_s):
            return self._wanted
        worst = max(self._over_red(now_s), key=lambda link: now_s - self._red_since[link])
        serving = [i for i, state in enumerate(self.plan.stages) if state[worst] in GREEN]
        return serving[0] if serving else self._wanted

    def _over_red(self, now_s: float) -> list[int]:
        bound = self.plan.max_red_s
        served = {i for state in self.plan.stages for i in greens(state)}
        reds = enumerate(zip(self.state, self._red_since, strict=True))
        return [i for i, (shown, since) in reds if shown not in GREEN and i in served and now_s - since > bound]

    def _starves(self, stage: int, now_s: float) -> bool:
        over = self._over_red(now_s)
        return bool(over) and not any(self.plan.stages[stage][link] in GREEN for link in over)

    def _toward(self, stage: int, now_s: float) -> str | None:
        """Begin the change to a stage when the present one has had its minimum green."""
        if stage == self.stage:
            return None
        if self.stage is not None and now_s - self.since_s < self.plan.min_green_of(self.stage):
            return None
        self._steps = self._transition(stage, now_s)
        self._target = stage
        return self._advance(now_s)

    def _transition(self, stage: int, now_s: float) -> list[_Step]:
        """Walks red, then yellow, then all-red between the state shown and a stage; links green in both stay green."""
        goal, plan, at = self.plan.stages[stage], self.plan, now_s
        steps: list[_Step] = []
        if self.stage is None:
            # Taken over while the program itself was changing stages: its yellow and all-red are given in full again.
            return self._finish(now_s)
        ending = {i for i in greens(self.state) if goal[i] not in GREEN}
        state = _paint(self.state, ending & plan.walks, "r")
        if ending & plan.walks and self.stage is not None:
            at += plan.clearance_s[self.stage]
            steps.append(_Step(state, at))
        if ending - plan.walks:
            at += plan.yellow_s
            steps.append(_Step(_paint(state, ending - plan.walks, "y"), at))
        if ending:
            at += plan.all_red_s
            steps.append(_Step(_paint(state, ending, "r"), at))
        return steps

    def _finish(self, now_s: float) -> list[_Step]:
        """From any state between stages to all-red, with full times."""
        links = set(range(len(self.state)))
        steps, at = [], now_s
        if moving(self.state):
            at += self.plan.yellow_s
            ending = {i for i in greens(self.state)} - self.plan.walks
            shown = _paint(self.state, ending, "y")
            steps.append(_Step(_paint(shown, links & self.plan.walks, "r"), at))
        steps.append(_Step("r" * len(self.state), at + self.plan.all_red_s))
        return steps

    def _advance(self, now_s: float) -> str | None:
        while self._steps and now_s >= self._steps[0].until_s:
            self._steps.pop(0)
        if self._steps:
            return self._show(self._steps[0].state, None, now_s)
        assert self._target is not None
        target, self._target = self._target, None
        return self._show(self.plan.stages[target], target, now_s)

    def _rejoin(self, now_s: float) -> str | None:
        """Back to the fixed program: take over where it shows the stage we show, else change to the stage it shows."""
        index, into = self.plan.phase_at(now_s)
        phase = self.plan.program[index]
        if now_s - self._fell_back_s > FALLBACK_SHOWN_S and phase.state == self.state:
            self.mode = "fixed"
        if phase.stage is None:
            return self._follow(phase.state, into, now_s)
        if phase.stage == self.stage:
            return None
        if into + 1 < phase.duration_s - self.plan.yellow_s:
            return self._toward(phase.stage, now_s)
        return None

    def _follow(self, due: str, into_s: float, now_s: float) -> str | None:
        """Follow the program into its own yellow, at its beginning and from the stage that it ends, and out of it."""
        if self.stage is None:
            return self._show(due, None, now_s) if _only_clears(self.state, due, self.plan.walks) else None
        ripe = now_s - self.since_s >= self.plan.min_green_of(self.stage)
        ends = into_s < 1 and _only_clears(self.state, due, self.plan.walks)
        return self._show(due, None, now_s) if ends and ripe else None

    def _show_fixed(self, now_s: float, since_s: float) -> str | None:
        index, into = self.plan.phase_at(now_s)
        phase = self.plan.program[index]
        return self._show(phase.state, phase.stage, now_s - into if not self.state else now_s)

    def _show(self, state: str, stage: int | None, now_s: float) -> str | None:
        if find_conflict(state, self.plan.conflicts):
            # The conflict monitor: what no wiring error may show. All red until the program begins anew.
            state, stage = "r" * len(state), None
        if state == self.state and stage == self.stage:
            return None
        if len(self._red_since) != len(state):
            self._red_since = [now_s] * len(state)
        for link, letter in enumerate(state):
            if letter in GREEN or (not self.state or self.state[link] in GREEN):
                self._red_since[link] = now_s
        changed = state != self.state
        if stage != self.stage or changed:
            self.since_s = now_s
        self.state, self.stage = state, stage
        return state if changed else None

    def snapshot(self) -> dict[str, Any]:
        """What must survive a restart of the simulator, as JSON."""
        steps = [[s.state, s.until_s] for s in self._steps]
        rest = (self.state, self.stage, self.mode, self.since_s, self._target, self._wanted, self._until_s)
        return {"steps": steps, "rest": list(rest), "fell": self._fell_back_s, "red": self._red_since}

    def restore(self, saved: dict[str, Any]) -> None:
        """Continue from `snapshot`."""
        self._steps = [_Step(state, until) for state, until in saved["steps"]]
        self.state, self.stage, self.mode, self.since_s, self._target, self._wanted, self._until_s = saved["rest"]
        self._fell_back_s, self._red_since = saved["fell"], list(saved["red"])


def _paint(state: str, links: set[int], letter: str) -> str:
    return "".join(letter if i in links else c for i, c in enumerate(state))


def _only_clears(shown: str, due: str, walks: frozenset[int]) -> bool:
    """Whether `due` only ends what `shown` shows: green to yellow (walks: to red), yellow to red."""
    return all(
        a == b or (a in GREEN and (b in YELLOW or i in walks)) or (a in YELLOW and b == "r")
        for i, (a, b) in enumerate(zip(shown, due, strict=True))
    )
