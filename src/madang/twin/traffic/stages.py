"""Stages of a signal and the safe way from one to another. Pure.

A state is one SUMO letter per link: `G` green with right of way, `g` green that yields, `y` yellow, `r` red.
"""

from __future__ import annotations

from dataclasses import dataclass

from madang.twin.traffic.net import Net, Program

YELLOW_S = 3.0
ALL_RED_S = 2.0
MIN_GREEN_S = 6.0
STAGE_MIN_S = 4.5
MAX_RED_S = 120.0
GREEN = "Gg"


@dataclass(slots=True, frozen=True)
class Conflict:
    """Two links (`a` < `b`) whose ways cross or merge. Where one yields it may be `g` while the other is `G`."""

    a: int
    b: int
    yields: str  # "a", "b", "ab" or "": who gives way when both may go


def green_states(program: Program) -> list[str]:
    """The program's stages: states without yellow in which something may go, each once, in the program's order.

    A clearance phase in which one link keeps its green while another waits at red is short, and no stage.
    """
    return [_plain(program.phases[phase][1]) for phase in green_phases(program)]


def green_phases(program: Program) -> list[int]:
    """The index of each stage's first phase."""
    found: dict[str, int] = {}
    for number, (duration, state) in enumerate(program.phases):
        state = _plain(state)
        if duration >= STAGE_MIN_S and "y" not in state and any(letter in GREEN for letter in state):
            found.setdefault(state, number)
    return list(found.values())


def _plain(state: str) -> str:
    return state.replace("s", "r").replace("u", "r")


def transition(old: str, new: str) -> list[tuple[float, str]]:
    """The phases between two stages: yellow for what loses green, then red for it; what keeps green keeps it.

    A link that had right of way and shall yield keeps going as one that yields. Nothing to clear: no phases.
    """
    losing = [o in GREEN and n not in GREEN for o, n in zip(old, new, strict=True)]
    if not any(losing):
        return []
    kept = [n if o in GREEN and n in GREEN else "r" for o, n in zip(old, new, strict=True)]
    yellow = "".join("y" if lose else keep for lose, keep in zip(losing, kept, strict=True))
    return [(YELLOW_S, yellow), (ALL_RED_S, "".join("r" if lose else k for lose, k in zip(losing, kept, strict=True)))]


def build_program(tl: str, stages: list[str], greens_s: list[float], offset_s: float) -> Program:
    """The fixed plan that shows the stages in turn with their transitions."""
    phases: list[tuple[float, str]] = []
    for number, state in enumerate(stages):
        phases.append((greens_s[number], state))
        phases += transition(state, stages[(number + 1) % len(stages)])
    return Program(tl, "0", offset_s, phases)


def conflicts_of(net: Net, tl: str) -> list[Conflict]:
    """All pairs of one signal's links that are foes in the network's right-of-way matrices."""
    by_lane: dict[tuple[str, int], list[int]] = {}
    for link in net.links_of(tl):
        by_lane.setdefault((link.source, link.source_lane), []).append(link.index if link.index is not None else -1)
    found: set[Conflict] = set()
    ends = {net.edges[edge].end for edge, _ in by_lane}
    for junction in (net.junctions[end] for end in sorted(ends)):
        requests = [index for lane in junction.inc_lanes for index in _requests_of(net, tl, lane)]
        for mine, foes in enumerate(junction.foes[: len(requests)]):
            for other in range(len(requests)):
                a, b = requests[mine], requests[other]
                if a is None or b is None or a >= b or foes[-1 - other] != "1":
                    continue
                yields = "a" * (junction.response[mine][-1 - other] == "1")
                yields += "b" * (junction.response[other][-1 - mine] == "1")
                found.add(Conflict(a, b, yields))
    return sorted(found, key=lambda c: (c.a, c.b))


def _requests_of(net: Net, tl: str, lane: str) -> list[int | None]:
    edge, _, number = lane.rpartition("_")
    out = net.by_lane().get((edge, int(number)), [])
    return [link.index if link.tl == tl else None for link in out]


def approach_states(states: list[str], approaches: list[list[int]], conflicts: list[Conflict]) -> list[str]:
    """States beside a program's own in which one approach (the links that come from it) goes alone, all its turns with right
    of way, and with it whoever is in nobody's way: what a lane that turns and goes straight on needs.

    An approach whose own links exclude each other has none; red stays what the program shows instead (`s`: turn after a stop).
    """
    rivals = {pair for c in conflicts for pair in ((c.a, c.b), (c.b, c.a))}
    red = ["s" if any(state[link] == "s" for state in states) else "r" for link in range(len(states[0]))]
    served = [link for link in range(len(red)) if any(state[link] in GREEN for state in states)]
    found: list[str] = []
    for mine in approaches:
        if any((a, b) in rivals for a in mine for b in mine):
            continue
        green = list(mine)
        for link in served:
            if link not in green and all((link, other) not in rivals for other in green):
                green.append(link)
        state = "".join("G" if link in green else letter for link, letter in enumerate(red))
        found += [state] if state not in [*states, *found] else []
    return found


def unsafe_pairs(state: str, conflicts: list[Conflict]) -> list[Conflict]:
    """Conflicts a state breaks: both links green where neither yields, or both with right of way."""
    return [c for c in conflicts if is_unsafe(state[c.a], state[c.b], c.yields)]


def is_unsafe(a: str, b: str, yields: str) -> bool:
    """Whether two conflicting links may not show these letters together."""
    return a in GREEN and b in GREEN and (not yields or (a == "G" and b == "G"))


def made_safe(states: list[str], conflicts: list[Conflict]) -> list[str]:
    """Stages without unsafe pairs: who must give way gets `g`; where nobody does, the later link waits for a stage.

    netconvert's own plans hold a few such pairs, mostly where a cycleway joins the carriageway. A link that lost its
    green in every stage gets it where it harms nobody, else a stage of its own.
    """
    safe = [_demoted(state, conflicts) for state in states]
    for link in range(len(states[0]) if states else 0):
        if any(s[link] in GREEN for s in states) and not any(s[link] in GREEN for s in safe):
            _place(safe, link, conflicts)
    return safe


def _demoted(state: str, conflicts: list[Conflict]) -> str:
    letters = list(state)
    for c in conflicts:
        if is_unsafe(letters[c.a], letters[c.b], c.yields):
            if not c.yields:
                letters[c.b if letters[c.a] == "G" or letters[c.b] == "g" else c.a] = "r"
            else:
                letters[c.a if "a" in c.yields else c.b] = "g"
    return "".join(letters)


def _place(safe: list[str], link: int, conflicts: list[Conflict]) -> None:
    for number, state in enumerate(safe):
        for letter in "Gg":
            tried = state[:link] + letter + state[link + 1 :]
            if not unsafe_pairs(tried, conflicts):
                safe[number] = tried
                return
    width = len(safe[0])
    safe.append("r" * link + "G" + "r" * (width - link - 1))
