"""Attacks of each kind are found beside what is normal, the reasons are told, and who is released is learned anew."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from bench.attacks import PLANS, Attack, fits
from bench.normal_day import Event, Reading, analyst, app, device, get, person
from hypothesis import given
from hypothesis import strategies as st

from madang.base.limits import DEFENCE_SUBJECTS_MAX
from madang.trust.defence.access import Access
from madang.trust.defence.detector import WINDOW_S, Detector
from madang.trust.defence.habits import LEARNED_AFTER, Mix, Usual
from madang.trust.defence.verdict import Feature, Verdict

BEGIN_S, END_S = 8.5 * 3600.0, 9.9 * 3600.0
ATTACKED_S = 9.25 * 3600.0


@cache
def usual_morning(seed: int) -> list[Event]:
    """Two hours of some apps, people and devices, and the devices and apps that attacks are about."""
    rng = random.Random(seed)
    makers = [app(rng, f"org.example.app{n}") for n in range(10)] + [device(rng, f"sensor{n}") for n in range(100)]
    makers += [person(rng, f"p{n}") for n in range(20)] + [analyst(rng, "analyst0")]
    return [event for one in makers for event in one if BEGIN_S <= event.at_s < END_S]


def feed(detector: Detector, events: list[Event]) -> list[Verdict]:
    out: list[Verdict] = []
    for event in sorted(events, key=lambda one: one.at_s):
        out += (
            detector.read(event.at_s, event.device, event.values) if isinstance(event, Reading) else detector.see(event)
        )
    return out


def test_a_usual_morning_is_nothing_to_tell_of() -> None:
    assert feed(Detector(), usual_morning(3)) == []


@pytest.mark.parametrize(
    ("plan", "gap_s", "what"), PLANS, ids=[f"{plan[0].__name__}-{plan[1]}-{plan[2]}" for plan in PLANS]
)
def test_each_attack_is_found_and_nobody_else(plan: Callable[..., Attack], gap_s: float, what: Any) -> None:
    attack = plan(random.Random(5), ATTACKED_S, gap_s, what)
    found = feed(Detector(), [*usual_morning(5), *attack.events])
    assert any(verdict.kind == attack.kind and fits(verdict, attack) for verdict in found)
    assert [verdict for verdict in found if not fits(verdict, attack)] == []


def failed(at_s: float, source: str = "192.0.2.1") -> Access:
    return Access(at_s, "anonymous", source, "POST", "/identity/sign-in", 401, 0, 120)


def test_a_verdict_says_why_and_is_not_repeated() -> None:
    found = feed(Detector(), [failed(number * 0.5) for number in range(400)])
    assert found == [
        Verdict(
            "credential-stuffing",
            "192.0.2.1",
            20.0,
            (Feature("failed credentials", 40, 12), Feature("failed credentials in some minutes", 40, 30)),
        )
    ]
    assert found[0].text() == (
        "credential-stuffing by 192.0.2.1: failed credentials 40 (limit 12); "
        "failed credentials in some minutes 40 (limit 30)"
    )


def test_who_was_quiet_for_long_is_told_of_again() -> None:
    again_s = 40 * WINDOW_S
    quiet = [get(number * 5.0, "anonymous", "192.0.2.9", "/") for number in range(200)]
    events = [failed(start + number * 0.5) for start in (0.0, again_s) for number in range(50)]
    assert len(feed(Detector(), [*events, *quiet])) == 2


def test_who_is_released_is_learned_anew() -> None:
    detector = Detector()
    reads = [get(number * 20.0, "person:kim", "192.0.2.9", "/", 10) for number in range(20)]
    heavy = [get(500 + number * 0.5, "person:kim", "192.0.2.9", "/", 1_000) for number in range(60)]
    assert [one.kind for one in feed(detector, [*reads, *heavy])] == ["exfiltration"]
    detector.forgive("person:kim")
    calm = [get(600 + number * 20.0, "person:kim", "192.0.2.9", "/", 1_900) for number in range(10)]
    assert feed(detector, calm) == []


def test_strangers_are_known_by_address_and_others_by_name() -> None:
    by_name = [get(number * 0.5, "person:kim", f"192.0.2.{number}", f"/{number}", status=404) for number in range(60)]
    assert [one.subject for one in feed(Detector(), by_name)] == ["person:kim"]


def test_what_is_remembered_is_bounded() -> None:
    detector = Detector()
    feed(detector, [get(number * 1e-6, "anonymous", f"a{number}", "/") for number in range(DEFENCE_SUBJECTS_MAX + 50)])
    assert len(detector) == DEFENCE_SUBJECTS_MAX


@given(st.floats(1, 1e9), st.integers(LEARNED_AFTER, 60))
def test_what_is_always_the_same_is_never_unusual(value: float, times: int) -> None:
    usual = Usual()
    for _ in range(times):
        usual.learn(value)
    assert usual.score(value) == pytest.approx(0, abs=1e-6)
    assert usual.typical() == pytest.approx(value, rel=1e-6)


@given(st.lists(st.floats(0, 1e6), min_size=LEARNED_AFTER, max_size=40))
def test_more_is_never_less_unusual(values: list[float]) -> None:
    usual = Usual()
    for value in values:
        usual.learn(value)
    scores = [usual.score(value) for value in (0.0, 1.0, 10.0, 1e3, 1e6, 1e9)]
    assert all(one <= other for one, other in pairwise(scores))


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 50), min_size=1))
def test_a_mix_is_as_it_was(counts: dict[str, int]) -> None:
    mix = Mix()
    for _ in range(LEARNED_AFTER):
        mix.learn(counts)
    assert (mix.distance(counts), mix.distance({"z": 5})) == (pytest.approx(0, abs=1e-9), pytest.approx(1))
    assert mix.newness({"z": 5}) == 1
