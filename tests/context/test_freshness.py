"""What changed while it was read is read again."""

from __future__ import annotations

from madang.context.freshness import Freshness


def test_it_is_read_until_the_sequence_stands_still() -> None:
    freshness, read = Freshness(), []
    for change in (0, 0, 0, 1, 2, 2, 2):
        read.append(freshness.is_stale(change))
        freshness.read_at(change)
    assert read == [True, True, False, True, True, True, False]
