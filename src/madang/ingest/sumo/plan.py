"""What one signal controller was built to do: its stages, its fixed program and which greens exclude each other.

A state is SUMO's string of one letter per link: `G` protected green, `g` green that yields, `y` yellow, `r` red,
`s` (right turn on red after a stop), `o`/`O` off. A *stage* is a state of the program that shows green and no yellow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

GREEN = frozenset("Gg")
YELLOW = frozenset("yu")
DEFAULT_YELLOW_S = 3.0
DEFAULT_ALL_RED_S = 1.0
DEFAULT_MIN_GREEN_S = 5.0
DEFAULT_MAX_RED_S = 300.0

Pair = tuple[int, int]


@dataclass(frozen=True)
class Phase:
    """One step of the fixed program; `stage` is None where it is yellow or clearance."""

    state: str
    duration_s: float
    stage: int | None


@dataclass(frozen=True)
class SignalPlan:
    """Everything fixed about a controller. `conflicts` are pairs (low, high) of links never green together."""

    id: str
    stages: tuple[str, ...]
    program: tuple[Phase, ...]
    offset_s: float
    conflicts: frozenset[Pair]
    yellow_s: float = DEFAULT_YELLOW_S
    all_red_s: float = DEFAULT_ALL_RED_S
    min_green_s: tuple[float, ...] = ()
    clearance_s: tuple[float, ...] = ()
    walks: frozenset[int] = frozenset()
    max_red_s: float = DEFAULT_MAX_RED_S

    @property
    def cycle_s(self) -> float:
        return sum(phase.duration_s for phase in self.program)

    def min_green_of(self, stage: int) -> float:
        """Minimum green of a stage in s."""
        return self.min_green_s[stage] if stage < len(self.min_green_s) else DEFAULT_MIN_GREEN_S

    def phase_at(self, now_s: float) -> tuple[int, float]:
        """(index, seconds into it) of the fixed program at a simulated second, (t - offset) mod cycle as in SUMO."""
        into = (now_s - self.offset_s) % self.cycle_s
        for index, phase in enumerate(self.program):
            if into < phase.duration_s:
                return index, into
            into -= phase.duration_s
        return len(self.program) - 1, 0.0


def is_stage(state: str) -> bool:
    """Green for somebody and yellow for nobody."""
    return any(c in GREEN for c in state) and not any(c in YELLOW for c in state)


def find_stages(states: Iterable[str]) -> tuple[str, ...]:
    """Distinct stages of a program in the order they appear.

    A state that only takes greens away before a yellow (pedestrians' red before the cars' yellow), or only lacks greens
    of the state after it when a yellow went before (all-red of those who change), is clearance: `transition` makes it.
    """
    listed = list(states)
    found: list[str] = []
    for index, state in enumerate(listed):
        around = listed[index - 1], listed[(index + 1) % len(listed)]
        if is_stage(state) and state not in found and not _clears(state, *around):
            found.append(state)
    return tuple(found)


def _clears(state: str, before: str, after: str) -> bool:
    """Whether a green state is only a step between its neighbours."""
    into_yellow = is_stage(before) and bool(YELLOW & set(after)) and greens(state) < greens(before)
    out_of_yellow = bool(YELLOW & set(before)) and is_stage(after) and greens(state) < greens(after)
    return into_yellow or out_of_yellow


def greens(state: str) -> frozenset[int]:
    """Indices of the links that show green."""
    return frozenset(i for i, c in enumerate(state) if c in GREEN)


def moving(state: str) -> frozenset[int]:
    """Links that may still have someone in the junction: green or yellow."""
    return frozenset(i for i, c in enumerate(state) if c in GREEN or c in YELLOW)


def build_plan(
    controller: str,
    program: Sequence[tuple[str, float]],
    offset_s: float,
    foes: Iterable[Pair],
    walks: frozenset[int],
    stages: tuple[str, ...] | None = None,
) -> SignalPlan:
    """Plan of a program given as (state, seconds). `foes`: link pairs whose paths cross; `walks`: pedestrian links.

    Pairs that a stage of the program shows green together were permitted by who designed it (a turn that yields), so
    they are not conflicts: this is the compatibility card of a conflict monitor. `stages` are those of the city's
    entity, whose numbers commands use; without them they are found in the program.
    """
    stages = stages or find_stages(state for state, _ in program)
    permitted = {(a, b) for state in stages for a in greens(state) for b in greens(state) if a < b}
    index = {state: i for i, state in enumerate(stages)}
    phases = tuple(Phase(state, seconds, index.get(state)) for state, seconds in program)
    yellow = [seconds for state, seconds in program if any(c in YELLOW for c in state)]
    all_red = [seconds for index, (state, seconds) in enumerate(program) if _is_red_step(program, index)]
    shortest = {state: min((s for st, s in program if st == state), default=DEFAULT_MIN_GREEN_S) for state in stages}
    conflicts = frozenset((min(a, b), max(a, b)) for a, b in foes) - permitted
    return SignalPlan(
        id=controller,
        stages=stages,
        program=phases,
        offset_s=offset_s,
        conflicts=conflicts,
        yellow_s=max(yellow, default=DEFAULT_YELLOW_S),
        all_red_s=max(all_red, default=DEFAULT_ALL_RED_S),
        min_green_s=tuple(max(2.0, min(shortest[state], _least(state, walks))) for state in stages),
        clearance_s=tuple(_clearance(program, state) for state in stages),
        walks=walks,
    )


def _is_red_step(program: Sequence[tuple[str, float]], index: int) -> bool:
    """Whether a phase is the red of those who change, after their yellow."""
    before, state, after = (program[(index + step) % len(program)][0] for step in (-1, 0, 1))
    return (
        bool(YELLOW & set(before)) and not YELLOW & set(state) and (not moving(state) or _clears(state, before, after))
    )


def _least(state: str, walks: frozenset[int]) -> float:
    """Minimum green: 5 s for wheels, 7 s where somebody walks (the usual lower bound of a walk interval)."""
    return 7.0 if greens(state) & walks else DEFAULT_MIN_GREEN_S


def _clearance(program: Sequence[tuple[str, float]], stage: str) -> float:
    """Seconds for which pedestrians are shown red at the end of a stage before the cars' yellow begins."""
    for index, (state, _) in enumerate(program):
        if state != stage:
            continue
        following, seconds = program[(index + 1) % len(program)]
        if is_stage(following) and greens(following) < greens(stage):
            return seconds
    return 0.0


def find_conflict(state: str, conflicts: Iterable[Pair]) -> Pair | None:
    """A pair of excluded links both green in `state`, or None."""
    green = greens(state)
    return next((pair for pair in conflicts if pair[0] in green and pair[1] in green), None)
