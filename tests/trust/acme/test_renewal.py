"""A certificate is renewed when a third of its time is left, and who fails asks ever more seldom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from madang.trust.acme.renewal import FIRST_PAUSE, LONGEST_PAUSE, Attempts, ask_at, names_of, renew_at
from madang.trust.defence.authority import BEFORE, issue, make_root

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ROOT = make_root("yard", NOW)
NINETY = issue(ROOT, "server", ["city.example", "10.0.0.1"], NOW, 90).x509
LONG_AGO = datetime.min.replace(tzinfo=UTC)


def test_a_third_of_the_lifetime_is_left() -> None:
    end, lasts = NOW + timedelta(days=90), timedelta(days=90) + BEFORE
    assert renew_at(NINETY, "city.example") == end - lasts / 3


def test_one_of_another_host_is_due() -> None:
    assert (renew_at(NINETY, "town.example"), names_of(NINETY)) == (LONG_AGO, frozenset({"city.example"}))


def test_one_without_host_names_is_due() -> None:
    assert renew_at(ROOT.x509, "city.example") == LONG_AGO


def test_failures_put_it_off() -> None:
    due = NOW + timedelta(days=70)
    failed = Attempts().failed(due)
    assert (ask_at(NINETY, "city.example", failed), ask_at(NINETY, "city.example", Attempts())) == (
        due + FIRST_PAUSE,
        renew_at(NINETY, "city.example"),
    )


@given(st.integers(0, 10_000))
def test_each_pause_is_twice_the_one_before_within_limits(failures: int) -> None:
    pause = Attempts(failures).failed(NOW).not_before - NOW
    longer = Attempts(failures + 1).failed(NOW).not_before - NOW
    assert (pause >= FIRST_PAUSE, longer) == (True, min(2 * pause, LONGEST_PAUSE))
