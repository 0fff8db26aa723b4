"""What is counted is counted once, whoever dies in the middle."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from madang.base.clock import Clock
from madang.runtime.meter import COUNTED, Counter, Meter, measured_by

HOUR = datetime(2026, 11, 22, 10, tzinfo=UTC)
APP = "org.example.quiet"


class At:
    """A clock that is set by hand."""

    def __init__(self, now: datetime) -> None:
        self.instant = now

    def now(self) -> datetime:
        return self.instant


@pytest.fixture
def clock() -> At:
    return At(HOUR)


def opened(pool: asyncpg.Pool, tmp_path: Path, clock: Clock) -> Meter:
    return Meter(pool, tmp_path / "meter", clock)


async def used(meter: Meter, since: datetime = HOUR, until: datetime = HOUR + timedelta(hours=1)) -> dict[str, Decimal]:
    return {measure: amount for (_, measure), amount in (await meter.usage(APP, since, until)).items()}


@pytest.mark.engine
async def test_what_is_counted_stands_in_its_hour_and_tenant(pool: asyncpg.Pool, tmp_path: Path, clock: At) -> None:
    meter = opened(pool, tmp_path, clock)
    meter.count(APP, "", {"reads": 3, "messages": 1})
    meter.count(APP, "harbour", {"writes": 2})
    await meter.sweep()
    clock.instant += timedelta(hours=1)
    meter.count(APP, "", {"reads": 4})
    await meter.sweep()
    await meter.sweep()
    assert await meter.usage(APP, HOUR, HOUR + timedelta(hours=1)) == {
        ("", "messages"): Decimal(1),
        ("", "reads"): Decimal(3),
        ("harbour", "writes"): Decimal(2),
    }
    assert await meter.usage(APP, HOUR, HOUR + timedelta(hours=2)) == {
        ("", "messages"): Decimal(1),
        ("", "reads"): Decimal(7),
        ("harbour", "writes"): Decimal(2),
    }


@pytest.mark.engine
async def test_the_next_gateway_goes_on_where_the_killed_one_stopped(
    pool: asyncpg.Pool, tmp_path: Path, clock: At
) -> None:
    """A process of its own counts and is killed by SIGKILL; it had swept nothing."""
    folder = tmp_path / "meter"
    opened(pool, tmp_path, clock).count(APP, "", {"reads": 5})
    code = (
        "import os; from pathlib import Path; from madang.runtime.meter import Counter\n"
        f"counter = Counter(next(Path({str(folder)!r}).glob('*.count')), '', '')\n"
        "[counter.add('reads', 1) for _ in range(1000)]\n"
        "os.kill(os.getpid(), 9)"
    )
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await killed.wait() == -9
    for _ in range(3):
        await opened(pool, tmp_path, clock).sweep()
    assert await used(opened(pool, tmp_path, clock)) == {"reads": Decimal(1005)}


@pytest.mark.engine
async def test_a_sweep_that_is_undone_is_done_again(pool: asyncpg.Pool, tmp_path: Path, clock: At) -> None:
    meter = opened(pool, tmp_path, clock)
    meter.count(APP, "", {"commands": 2})
    await pool.execute("ALTER TABLE app_usage ADD CONSTRAINT nothing_fits CHECK (amount < 0) NOT VALID")
    with pytest.raises(asyncpg.CheckViolationError):
        await meter.sweep()
    await pool.execute("ALTER TABLE app_usage DROP CONSTRAINT nothing_fits")
    assert await used(meter) == {}
    await meter.sweep()
    assert await used(meter) == {"commands": Decimal(2)}


@pytest.mark.engine
async def test_what_the_supervisor_measures_goes_on_over_its_starts(
    pool: asyncpg.Pool, tmp_path: Path, clock: At
) -> None:
    meter = opened(pool, tmp_path, clock)

    def report(epoch: str, source: str, cpu_s: float, byte_s: float) -> dict[str, object]:
        return {"epoch": epoch, "used": {APP: {"cpu_s": cpu_s, "cpu_source": source, "storage_byte_s": byte_s}}}

    await meter.sweep(measured_by(report("a", "1", 1.5, 3_600)))
    await meter.sweep(measured_by(report("a", "1", 2.0, 7_200)))
    await meter.sweep(measured_by(report("b", "1", 2.25, 3_600)))  # the group of the processes stayed
    await meter.sweep(measured_by(report("c", "2", 1.0, 0)))
    assert await used(meter) == {"cpu_s": Decimal("3.250000"), "storage_byte_h": Decimal("3.000000")}


@given(st.lists(st.tuples(st.sampled_from(COUNTED), st.integers(0, 2**40)), max_size=30))
@settings(max_examples=30)
def test_a_file_holds_the_sum_whoever_opens_it(acts: list[tuple[str, int]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "one.count"
        for measure, amount in acts:
            Counter(path, APP, "").add(measure, amount)
        sums = {name: sum(amount for measure, amount in acts if measure == name) for name in COUNTED}
        found = {measure: int(amount) for *_, measure, amount in Counter(path, "", "").totals()}
        assert found == {name: amount for name, amount in sums.items() if amount}
