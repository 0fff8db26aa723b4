"""The bench's arithmetic of growth; that it reads real processes is seen when it runs."""

from __future__ import annotations

from bench.memory import growth


def test_growth_compares_the_end_with_the_half() -> None:
    filling = [{"postgres shared": float(min(100, 20 * n)), "field": 50.0} for n in range(12)]
    assert growth(filling) == {
        "mb": {"field": [50.0, 50.0, 50.0], "postgres shared": [20.0, 100.0, 100.0]},
        "total_mb": [70.0, 150.0, 150.0],
        "last_half": 0.0,
    }


def test_files_that_others_share_are_no_growth() -> None:
    assert growth([{"a": 10.0, "files": float(n)} for n in range(12)])["last_half"] == 0.0


def test_a_process_that_came_late_counts_from_then() -> None:
    late = [{"a": 10.0}] * 6 + [{"a": 10.0, "app": 5.0}] * 6
    assert growth(late)["total_mb"] == [10.0, 15.0, 15.0]
