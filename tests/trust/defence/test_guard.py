"""Who asks too much waits, who is held back is told so, and benches on this machine are nobody's concern."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.city import DefenceSettings
from madang.base.errors import Forbidden, TooMany
from madang.base.limits import ACCESS_QUEUE_MAX
from madang.trust.defence.access import Access, AccessStream, shape_of
from madang.trust.defence.buckets import Buckets
from madang.trust.defence.guard import Guard, Hold
from madang.trust.defence.source import APP_DOOR, source_of

NOW_S = 1_800_000_000.0


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


def test_a_burst_is_granted_then_the_rate() -> None:
    buckets = Buckets(10.0, 3.0, 100)
    waits = [buckets.take("a", at_s) for at_s in (0.0, 0.0, 0.0, 0.0, 0.05, 0.1, 0.1)]
    assert waits == pytest.approx([0, 0, 0, 0.1, 0.05, 0, 0.1])
    assert buckets.take("b", 0.1) == 0


@given(st.floats(0.5, 50), st.integers(1, 20), st.lists(st.floats(0, 2), min_size=1, max_size=80))
def test_never_more_than_the_burst_and_what_time_brings(rate: float, burst: int, gaps: list[float]) -> None:
    buckets, now_s, granted = Buckets(rate, burst, 10), 0.0, 0
    for gap in gaps:
        now_s += gap
        granted += buckets.take("a", now_s) == 0
    assert granted <= burst + rate * now_s + 1e-6


@given(st.lists(st.integers(0, 50), max_size=200))
def test_what_is_remembered_is_bounded(keys: list[int]) -> None:
    buckets = Buckets(1.0, 1.0, 7)
    for key in keys:
        buckets.take(str(key), 0.0)
    assert len(buckets) <= 7


@pytest.mark.parametrize(
    ("peer", "forwarded", "source"),
    [
        ("203.0.113.7", "10.0.0.1", "203.0.113.7"),
        (None, "", APP_DOOR),
        ("192.0.2.1", "198.51.100.9", "198.51.100.9"),
        ("192.0.2.1", "1.2.3.4, 198.51.100.9", "198.51.100.9"),
        ("192.0.2.1", "198.51.100.9, 192.0.2.2", "198.51.100.9"),
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "nonsense", "unknown"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "", "203.0.113.7"),
        ("::1", "", "::1"),
    ],
)
def test_where_a_request_comes_from(peer: str | None, forwarded: str, source: str) -> None:
    assert source_of(peer, forwarded, frozenset({"192.0.2.1", "192.0.2.2"})) == source


def test_an_address_and_a_principal_have_each_their_own_rate() -> None:
    guard = Guard(DefenceSettings(1.0, 2.0, 1.0, 1.0), Clock())
    for _ in range(2):
        guard.admit_source("203.0.113.7")
    with pytest.raises(TooMany) as told:
        guard.admit_source("203.0.113.7")
    guard.admit_source("203.0.113.8")
    guard.admit_principal("person:kim", "203.0.113.7")
    with pytest.raises(TooMany):
        guard.admit_principal("person:kim", "203.0.113.8")
    guard.admit_principal("anonymous", "203.0.113.8")
    guard.admit_principal("anonymous", "203.0.113.8")
    assert told.value.extra == {"wait_s": 1}


def test_twenty_thousand_a_second_on_this_machine_are_not_held_back_by_default() -> None:
    clock = Clock()
    guard = Guard(DefenceSettings(), clock)
    for number in range(100_000):
        clock.now_s = NOW_S + number / 20_000
        guard.admit_source("127.0.0.1")
        guard.admit_principal("person:operator", "127.0.0.1")


@pytest.mark.parametrize("source", ["203.0.113.7", "127.0.0.1"])
def test_who_is_held_back_is_told_until_it_is_over(source: str) -> None:
    clock = Clock()
    guard = Guard(DefenceSettings(), clock)
    guard.holds["person:kim"] = Hold("quarantine", NOW_S + 60, "urn:ngsi-ld:Alert:yard:1")
    with pytest.raises(Forbidden) as told:
        guard.admit_principal("person:kim", source)
    guard.admit_principal("person:lee", source)
    clock.now_s += 61
    guard.admit_principal("person:kim", source)
    assert told.value.extra == {"verdict": "urn:ngsi-ld:Alert:yard:1"}


def test_who_is_throttled_goes_on_slowly() -> None:
    clock = Clock()
    guard = Guard(DefenceSettings(principal_per_s=100.0, principal_burst=100.0), clock)
    guard.holds["app:x"] = Hold("throttle", NOW_S + 600, "v")
    granted = 0
    for second in range(10):
        clock.now_s = NOW_S + second
        for _ in range(50):
            with suppress(TooMany):
                guard.admit_principal("app:x", APP_DOOR)
                granted += 1
    assert granted == 10


def test_the_stream_keeps_the_latest_and_counts_what_it_lost() -> None:
    stream = AccessStream()
    for number in range(ACCESS_QUEUE_MAX + 10):
        stream.add("anonymous", "127.0.0.1", "GET", f"/{number}", 200, 0, 5)
    first, second = stream.drain(), stream.drain()
    assert (len(first), first[0].path, second, stream.lost) == (ACCESS_QUEUE_MAX, "/10", [], 10)
    assert isinstance(first[0], Access)


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/ngsi-ld/v1/entities", "GET ngsi-ld/v1/entities"),
        ("/ngsi-ld/v1/entities/urn:x:1/attrs/speed", "GET ngsi-ld/v1/entities/*/attrs/*"),
        ("/madang/v1/commands/9", "GET madang/v1/commands/*"),
        ("/wp-admin//setup.php", "GET wp-admin/setup.php"),
        ("/a/b/c/d/e/f/g/h", "GET a/b/c/d/e/f"),
        ("", "GET"),
    ],
)
def test_a_route_has_a_shape_without_ids(path: str, shape: str) -> None:
    assert shape_of("GET", path) == shape
