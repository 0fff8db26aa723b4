from __future__ import annotations

import pytest

from buses.profile import Profile, Seen, new_profile

LINE = Profile([100.0, 50.0, 0.0], [10.0, 20.0, 30.0])


@pytest.mark.parametrize(
    ("seen", "stop", "now_s", "leaves_s"),
    [
        (Seen(0, 0.0, has_left=False), 0, 5.0, 10.0),
        (Seen(0, 0.0, has_left=False), 0, 40.0, 40.0),
        (Seen(0, 0.0, has_left=True), 1, 5.0, 120.0),
        (Seen(0, 0.0, has_left=True), 1, 150.0, 170.0),  # overdue: it comes now and takes its passengers
        (Seen(0, 0.0, has_left=True), 2, 150.0, 250.0),
        (Seen(0, 0.0, has_left=False), 2, 5.0, 210.0),
        (Seen(2, 210.0, has_left=True), 2, 300.0, 210.0),
        (Seen(2, 210.0, has_left=True), 0, 300.0, 10.0),
    ],
)
def test_when_it_leaves(seen: Seen, stop: int, now_s: float, leaves_s: float) -> None:
    assert LINE.leaves_s(seen, stop, now_s) == pytest.approx(leaves_s)


def test_when_it_comes() -> None:
    assert LINE.arrives_s(Seen(0, 0.0, has_left=True), 2, 5.0) == pytest.approx(170.0)


def test_the_first_counts_whole_and_later_ones_a_tenth() -> None:
    profile = new_profile(2)
    profile.learn_run(0, 100.0)
    profile.learn_run(0, 200.0)
    profile.learn_dwell(1, 40.0)
    assert (profile.run_s, profile.dwell_s) == ([110.0, 60.0], [15.0, 40.0])
