"""What comes by ACME is taken when it can be used; what does not come costs nothing but a pause."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from madang.base.clock import ManualClock
from madang.trust.acme.keeper import Keeper, in_thread
from madang.trust.acme.kept import Kept, is_usable
from madang.trust.acme.renewal import FIRST_PAUSE, Attempts, renew_at
from madang.trust.defence.authority import issue, make_root

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
HOST = "city.example"
ROOT = make_root("yard", NOW)


def bundle(host: str = HOST, at: datetime = NOW) -> bytes:
    pair = issue(ROOT, "server", [host], at)
    return pair.key + pair.certificate


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    kept = Kept(tmp_path / "acme")
    kept.prepare(HOST, NOW)
    return kept


def modes(kept: Kept) -> dict[str, int]:
    folder = kept.path.parent
    return {path.name: path.stat().st_mode & 0o777 for path in [folder, *folder.iterdir()]}


def test_before_the_first_one_there_is_one_that_is_over(kept: Kept) -> None:
    assert (is_usable(kept.path), renew_at(kept.certificate(), HOST) < NOW) == (True, True)


def test_what_is_kept_is_nobody_elses(kept: Kept) -> None:
    kept.account_key()
    kept.attempts = Attempts(1, NOW)
    kept.replace(bundle())
    files = {"account.pem": 0o600, "certificate.pem": 0o600, "attempts.json": 0o600}
    assert modes(kept) == {"acme": 0o700} | files


def test_the_account_stays_the_same(kept: Kept) -> None:
    assert kept.account_key() == Kept(kept.path.parent).account_key()


def test_a_start_keeps_what_is_usable_and_replaces_what_is_not(kept: Kept) -> None:
    kept.replace(bundle())
    real = kept.certificate()
    kept.prepare(HOST, NOW)
    assert kept.certificate() == real
    kept.path.write_bytes(b"nothing")
    kept.prepare(HOST, NOW)
    assert (is_usable(kept.path), kept.certificate() == real) == (True, False)


def test_a_key_of_another_certificate_is_not_taken(kept: Kept) -> None:
    before = kept.path.read_bytes()
    mine, other = issue(ROOT, "server", [HOST], NOW), issue(ROOT, "server", [HOST], NOW)
    with pytest.raises(ssl.SSLError):
        kept.replace(mine.key + other.certificate)
    assert kept.path.read_bytes() == before


async def test_a_certificate_that_comes_is_in_use_and_failures_are_forgotten(kept: Kept) -> None:
    kept.attempts, pem = Attempts(3, NOW), bundle()
    await Keeper(kept, HOST, lambda: pem, ManualClock(NOW)).renew()
    assert (kept.path.read_bytes(), kept.attempts) == (pem, Attempts())


@pytest.mark.parametrize("pem", [bundle("town.example"), bundle(at=NOW - timedelta(days=89)), b"", bundle()[:300]])
async def test_one_that_is_no_good_leaves_the_one_before(kept: Kept, pem: bytes) -> None:
    before = kept.path.read_bytes()
    await Keeper(kept, HOST, lambda: pem, ManualClock(NOW)).renew()
    assert (kept.path.read_bytes(), kept.attempts) == (before, Attempts(1, NOW + FIRST_PAUSE))


async def test_a_pause_outlives_the_process(kept: Kept) -> None:
    def refuse() -> bytes:
        raise OSError("nobody answers")

    await Keeper(kept, HOST, refuse, ManualClock(NOW)).renew()
    await Keeper(Kept(kept.path.parent), HOST, refuse, ManualClock(NOW)).renew()
    assert Kept(kept.path.parent).attempts == Attempts(2, NOW + 2 * FIRST_PAUSE)


async def test_what_cannot_be_written_is_asked_for_after_a_pause_all_the_same(kept: Kept) -> None:
    asked: list[int] = []

    def obtain() -> bytes:
        asked.append(1)
        return bundle()

    keeper = Keeper(kept, HOST, obtain, ManualClock(NOW))
    shutil.rmtree(kept.path.parent)
    await keeper.renew()
    with pytest.raises(TimeoutError):  # it waits, and did not end
        await asyncio.wait_for(keeper.run(), 0.05)
    assert asked == [1]


async def test_a_server_that_never_answers_holds_up_neither_the_city_nor_its_end(kept: Kept) -> None:
    never, entered = threading.Event(), threading.Event()

    def wait() -> bytes:
        entered.set()
        never.wait()
        return b""

    asking = asyncio.create_task(Keeper(kept, HOST, wait, ManualClock(NOW)).run())
    await asyncio.to_thread(entered.wait, 10)
    held = [one for one in threading.enumerate() if one.name == "acme"]
    asking.cancel()
    assert [one.daemon for one in held] == [True]
    assert isinstance((await asyncio.gather(asking, return_exceptions=True))[0], asyncio.CancelledError)
    never.set()


async def test_a_thread_gives_what_it_found_or_why_not() -> None:
    assert await in_thread(lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0)
