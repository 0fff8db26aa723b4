"""What is told is the difference between what was told and what is so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from madang.federation.told import GONE, NEWLY, UPDATED, Difference, Shown, differences

START = datetime(2026, 1, 1, tzinfo=UTC)
STATES = st.dictionaries(
    st.sampled_from("abcdef"), st.integers(0, 3).map(lambda n: Shown(START + timedelta(days=n), {"n": n}))
)


def shown(day: int) -> Shown:
    return Shown(START + timedelta(days=day), {"n": day})


@given(STATES, STATES, st.booleans())
def test_who_takes_in_every_difference_knows_what_is_so(
    told: dict[str, Shown], now: dict[str, Shown], again: bool
) -> None:
    known = dict(told)
    for one in differences(told, now, again=again):
        known = {key: value for key, value in known.items() if key not in one.registrations}
        known |= {key: value for key, value in one.registrations.items() if one.reason != GONE}
    assert known == now


@given(STATES)
def test_who_knows_what_is_so_is_told_nothing(state: dict[str, Shown]) -> None:
    assert list(differences(state, state)) == []


def test_each_reason_is_a_notification_of_its_own() -> None:
    told, now = {"a": shown(1), "b": shown(1), "c": shown(1)}, {"b": shown(1), "c": shown(2), "d": shown(3)}
    assert list(differences(told, now)) == [
        Difference(NEWLY, {"d": shown(3)}),
        Difference(UPDATED, {"c": shown(2)}),
        Difference(GONE, {"a": shown(1)}),
    ]


def test_by_the_clock_what_did_not_change_is_told_again() -> None:
    assert list(differences({"a": shown(1)}, {"a": shown(1)}, again=True)) == [Difference(UPDATED, {"a": shown(1)})]
