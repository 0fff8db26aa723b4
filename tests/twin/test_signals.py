"""Stages, transitions, conflicts and plans: by hand and on the real network."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.twin.importer import ImportReport
from madang.twin.traffic.convert import short_names
from madang.twin.traffic.net import Net, read_net
from madang.twin.traffic.stages import (
    ALL_RED_S,
    GREEN,
    YELLOW_S,
    Conflict,
    approach_states,
    conflicts_of,
    green_phases,
    green_states,
    made_safe,
    transition,
    unsafe_pairs,
)

Made = tuple[Path, ImportReport]


@pytest.fixture(scope="module")
def net(imported: Made) -> Net:
    return read_net(imported[0] / "net.net.xml")


@pytest.mark.parametrize(
    ("old", "new", "phases"),
    [
        ("GGrr", "rrGG", [(YELLOW_S, "yyrr"), (ALL_RED_S, "rrrr")]),
        ("GGrr", "GrGr", [(YELLOW_S, "Gyrr"), (ALL_RED_S, "Grrr")]),
        ("Gr", "Gr", []),
        ("rG", "GG", []),
        ("Gg", "gr", [(YELLOW_S, "gy"), (ALL_RED_S, "gr")]),
    ],
)
def test_transition(old: str, new: str, phases: list[tuple[float, str]]) -> None:
    assert transition(old, new) == phases


@given(st.integers(1, 12).flatmap(lambda n: st.tuples(*[st.text("Ggr", min_size=n, max_size=n)] * 2)))
def test_a_transition_opens_nothing_and_clears_what_closes(pair: tuple[str, str]) -> None:
    old, new = pair
    for _, state in transition(old, new):
        for before, now, after in zip(old, state, new, strict=True):
            assert now == "r" or before in GREEN
            assert not (before in GREEN and after not in GREEN and now in GREEN)


@given(st.data())
def test_made_safe_is_safe_and_forgets_no_link(data: st.DataObject) -> None:
    width = data.draw(st.integers(2, 7))
    states = data.draw(st.lists(st.text("Ggr", min_size=width, max_size=width), min_size=1, max_size=4))
    pairs = data.draw(st.sets(st.tuples(st.integers(0, width - 1), st.integers(0, width - 1)), max_size=8))
    conflicts = [Conflict(a, b, data.draw(st.sampled_from(["", "a", "b", "ab"]))) for a, b in sorted(pairs) if a < b]
    safe = made_safe(states, conflicts)
    assert not any(unsafe_pairs(state, conflicts) for state in safe)
    for link in range(width):
        assert any(s[link] in GREEN for s in states) == any(s[link] in GREEN for s in safe)


def test_no_stage_of_the_network_shows_conflicting_greens(net: Net) -> None:
    for tl, program in net.programs.items():
        conflicts = conflicts_of(net, tl)
        for _, state in program.phases:
            assert not unsafe_pairs(state.replace("y", "r"), conflicts), tl


def test_every_link_gets_green_and_every_change_its_clearance(net: Net) -> None:
    for tl, program in net.programs.items():
        states = [state for _, state in program.phases]
        assert all(any(state[i] in GREEN for state in states) for i in range(len(states[0]))), tl
        for old, new in zip(states, states[1:] + states[:1], strict=True):
            for before, after in zip(old, new, strict=True):
                assert not (before in GREEN and after == "r"), (tl, old, new)


def test_plans_share_one_cycle_and_keep_minimum_green(net: Net) -> None:
    for program in net.programs.values():
        assert 60 <= program.cycle_s <= 120
        assert all(program.phases[phase][0] >= 6 for phase in green_phases(program))


def test_signal_names_are_short_safe_and_distinct() -> None:
    names = short_names(["joinedS_cluster_123456_7#1more", "GS_123456", "x"])
    assert sorted(names.values()) == ["tl123456", "tl123456b", "x"]


def test_an_approach_goes_alone_with_whoever_is_in_nobodys_way() -> None:
    # Links 0 and 1 come from the west, 2 and 3 from the east; the turns 1 and 3 cross who comes towards them, 4 nobody.
    conflicts = [Conflict(0, 3, "b"), Conflict(1, 2, "a")]
    states = ["GgGgG", "rGrGr"]
    assert approach_states(states, [[0, 1], [2, 3], [4]], conflicts) == ["GGrrG", "rrGGG"]
    assert approach_states(["Grs", "rGG"], [[0], [1, 2]], [Conflict(1, 2, ""), Conflict(0, 2, "")]) == ["GGs"]


def test_states_of_approaches_are_safe_on_a_real_network(net: Net) -> None:
    made = {tl: (green_states(net.programs[tl]), conflicts_of(net, tl)) for tl in net.programs}
    ways = {
        tl: [[one.index for one in net.links_of(tl) if one.source == way] for way in sources(net, tl)] for tl in made
    }
    found = {tl: approach_states(states, ways[tl], conflicts) for tl, (states, conflicts) in made.items()}
    assert any(found.values())
    assert not [c for tl, states in found.items() for state in states for c in unsafe_pairs(state, made[tl][1])]


def sources(net: Net, tl: str) -> list[str]:
    return sorted({one.source for one in net.links_of(tl)})
