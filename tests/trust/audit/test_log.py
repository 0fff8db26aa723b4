"""What is appended can be proved, what is bent by hand is found, and who cannot be put on record is told so."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import msgspec
import pytest

from madang.base.errors import Conflict, NotFound, Unavailable
from madang.trust.audit.entry import Event
from madang.trust.audit.keeper import Keeper, signer_of
from madang.trust.audit.log import AuditLog
from madang.trust.audit.merkle import extends, includes
from madang.trust.audit.note import Checkpoint, open_checkpoint
from madang.trust.audit.verify import Fault, verify

pytestmark = pytest.mark.engine
EVENT = Event(
    datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC), "anonymous", "app.start", "org.example.app", "왜\x00", "done"
)
SIZE = 21


@pytest.fixture
async def log(pool: asyncpg.Pool) -> AuditLog:
    log = AuditLog(pool)
    await asyncio.gather(*(log.append(replace(EVENT, whom=f"app{number}")) for number in range(SIZE)))
    return log


@pytest.fixture
def keeper(log: AuditLog, tmp_path: Path) -> Keeper:
    return Keeper(log, signer_of(tmp_path, "yard"), tmp_path / "audit" / "checkpoint")


async def test_an_entry_is_read_as_it_was_hashed(log: AuditLog) -> None:
    (shown,) = await log.page(1, None, "anonymous", "app.start", "app7")
    assert (shown["seq"], msgspec.json.decode(shown["leaf"])) == (
        7,
        {
            "seq": 7,
            "at": "2026-11-22T03:04:05.000Z",
            "who": "anonymous",
            "what": "app.start",
            "whom": "app7",
            "why": "왜\ufffd",
            "outcome": "done",
            "details": {},
        },
    )
    assert [one["seq"] for one in await log.page(3, 10, None, None, None)] == [9, 8, 7]


async def test_every_entry_and_every_older_tree_is_proved(log: AuditLog) -> None:
    root, pages = await log.root(SIZE), await log.page(SIZE, None, None, None, None)
    hashes = {one["seq"]: bytes.fromhex(one["hash"]) for one in pages}
    proved = [includes(hashes[n], n, SIZE, await log.inclusion(n, SIZE), root) for n in range(SIZE)]
    older = [extends(n, await log.root(n), SIZE, root, await log.consistency(n, SIZE)) for n in range(1, SIZE + 1)]
    assert proved + older == [True] * 2 * SIZE
    with pytest.raises(NotFound):
        await log.root(SIZE + 1)


async def test_two_writers_take_turns(pool: asyncpg.Pool, log: AuditLog) -> None:
    other = AuditLog(pool)
    places = await asyncio.gather(*(one.append(EVENT) for _ in range(40) for one in (log, other)))
    assert sorted(places) == list(range(SIZE, SIZE + 80))
    assert (await verify(pool, None)).faults == ()


async def test_a_whole_log_is_found_whole(pool: asyncpg.Pool, log: AuditLog, keeper: Keeper) -> None:
    await keeper.sign()
    await log.append(EVENT)
    verdict = await verify(pool, keeper.kept())
    assert (verdict.size, verdict.root, verdict.faults) == (SIZE + 1, await log.root(SIZE + 1), ())


MOVE = "UPDATE audit_entry SET seq = -seq WHERE seq IN (5, 9); UPDATE audit_entry SET seq = 14 + seq WHERE seq < 0"
RENAME = "replace(leaf, 'anonymous', 'somebody')"
REHASH = f"leaf = {RENAME}, hash = sha256('\\x00'::bytea || convert_to({RENAME}, 'UTF8'))"


@pytest.mark.parametrize(
    ("by_hand", "faults"),
    [
        (f"UPDATE audit_entry SET leaf = {RENAME} WHERE seq = 6", (Fault(6, 6, "altered"),)),
        (f"UPDATE audit_entry SET {REHASH} WHERE seq = 6", (Fault(6, 7, "hash"),)),
        ("DELETE FROM audit_entry WHERE seq IN (0, 11)", (Fault(0, 0, "removed"), Fault(11, 11, "removed"))),
        (MOVE, (Fault(5, 5, "moved"), Fault(9, 9, "moved"))),
        ("UPDATE audit_node SET hash = sha256('') WHERE level = 2 AND place = 1", (Fault(4, 7, "hash"),)),
        ("DELETE FROM audit_node WHERE level = 4", (Fault(0, 15, "hash"),)),
        ("DELETE FROM audit_entry WHERE seq = 20", (Fault(20, 20, "removed"),)),
        (
            "DELETE FROM audit_entry WHERE seq > 18; DELETE FROM audit_node WHERE (place + 1) << level > 19",
            (Fault(19, 19, "removed"), Fault(20, 20, "removed")),
        ),
        ("TRUNCATE audit_entry, audit_node", tuple(Fault(n, n, "removed") for n in range(SIZE))),
    ],
)
async def test_what_is_bent_by_hand_is_named(
    pool: asyncpg.Pool, log: AuditLog, keeper: Keeper, by_hand: str, faults: tuple[Fault, ...]
) -> None:
    await keeper.sign()
    await pool.execute(by_hand)
    assert (await verify(pool, keeper.kept())).faults == faults


async def test_only_what_was_kept_outside_exposes_a_tail_cut_off_with_all_its_traces(
    pool: asyncpg.Pool, log: AuditLog, keeper: Keeper
) -> None:
    await keeper.sign()
    await pool.execute("DELETE FROM audit_entry WHERE seq = 20")
    assert (await verify(pool, None)).faults == ()
    assert (await verify(pool, keeper.kept())).faults == (Fault(20, 20, "removed"),)


async def test_a_log_made_anew_is_not_what_was_signed_and_is_never_signed(
    pool: asyncpg.Pool, log: AuditLog, keeper: Keeper
) -> None:
    await keeper.sign()
    await pool.execute("TRUNCATE audit_entry, audit_node")
    await asyncio.gather(*(log.append(replace(EVENT, who="somebody")) for _ in range(SIZE + 3)))
    assert (await verify(pool, None)).faults == ()
    assert (await verify(pool, keeper.kept())).faults == (Fault(0, SIZE - 1, "checkpoint"),)
    with pytest.raises(Conflict):
        await keeper.sign()


async def test_a_checkpoint_is_the_log_and_stays_until_it_grows(log: AuditLog, keeper: Keeper, tmp_path: Path) -> None:
    note = await keeper.sign()
    checkpoint = open_checkpoint(note, signer_of(tmp_path, "yard").verifier)
    assert checkpoint == Checkpoint("madang/yard/audit", SIZE, await log.root(SIZE)) == keeper.kept()
    assert await keeper.sign() == note
    assert (tmp_path / "keys" / "audit.ed25519").stat().st_mode & 0o777 == 0o600


async def test_without_a_database_nobody_is_told_that_it_is_on_record(dsn: str) -> None:
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=1)
    log = AuditLog(pool)
    await pool.close()
    with pytest.raises(Unavailable):
        await log.append(EVENT)
