"""Two cities vouch for each other's audit logs over real HTTP, and tell when one of them bends its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import asyncpg
import httpx
import pytest
import uvicorn
from tests.callers import GATE, OPERATOR
from tests.waiting import until

from madang.base.city import AuditSettings, WitnessSettings
from madang.base.limits import WITNESS_BODY_MAX_BYTES
from madang.engine.database import connect_pool, migrate
from madang.engine.outward import allowed_networks
from madang.engine.settings import listen_on
from madang.people.gateway import Gateway
from madang.people.manage import Management
from madang.people.policies import PolicyDoor
from madang.trust.audit.cosigning import Witness, list_seen, post_by
from madang.trust.audit.keeper import cosigned_dir, signer_of
from madang.trust.audit.note import LOG, WITNESS, Checkpoint, cosigned_at, read_checkpoint
from madang.trust.audit.recorder import Recorder, open_recorder
from madang.trust.audit.submission import Submission

pytestmark = pytest.mark.engine
LOOPBACK = post_by(allowed_networks("127.0.0.0/8"))


@dataclass
class City:
    """One instance: its record, its folder, its database, and anybody at its door."""

    name: str
    recorder: Recorder
    run_dir: Path
    pool: asyncpg.Pool
    door: httpx.AsyncClient
    vouches: Witness

    async def grow(self, count: int, who: str = "anonymous") -> None:
        for number in range(count):
            await self.recorder.before(who, "app.start", f"app{number}")

    async def look(self) -> bool:
        """What its gateway does every few seconds."""
        await self.recorder.settle()
        return await self.recorder.cosigning.look(self.vouches)

    async def checkpoint(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.door.get("audit/checkpoint")).json()
        return found

    async def forget(self) -> None:
        """Who holds the database and the run folder makes the log anew."""
        await self.pool.execute("TRUNCATE audit_entry, audit_node")
        (self.run_dir / "audit" / "checkpoint").unlink()


@contextlib.asynccontextmanager
async def open_city(
    dsn: str, name: str, run_dir: Path, port: int, held: Any, settings: AuditSettings, other: Witness
) -> AsyncIterator[City]:
    await migrate(dsn, f"city_{name}")
    nothing: Any = Mock()
    async with await connect_pool(dsn, 1, 4, f"city_{name}") as pool:
        recorder = open_recorder(pool, run_dir, name, settings, LOOPBACK)
        manage = Management(
            {},
            nothing,
            nothing,
            nothing,
            nothing,
            nothing,
            nothing,
            nothing,
            recorder,
            PolicyDoor(GATE, nothing, nothing),
        )
        app = Gateway(nothing, manage, nothing, nothing, nothing, nothing, nothing, OPERATOR)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[held]))
        await until(lambda: server.started, "the gateway answers")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/madang/v1/") as door:
            yield City(name, recorder, run_dir, pool, door, other)
        server.should_exit = True
        await serving
        await pool.execute(f'DROP SCHEMA "city_{name}" CASCADE')


@pytest.fixture
async def cities(dsn: str, tmp_path: Path) -> AsyncIterator[list[City]]:
    """`yard` and `town`, each of which vouches for the other."""
    async with contextlib.AsyncExitStack() as stack:
        out = []
        held = {name: listen_on("127.0.0.1", None) for name in ("yard", "town")}
        ports = {name: one.getsockname()[1] for name, one in held.items()}
        for name, other in (("yard", "town"), ("town", "yard")):
            url = f"http://127.0.0.1:{ports[other]}/madang/v1/witness"
            log, witness = (signer_of(tmp_path / other, other, kind).verifier for kind in (LOG, WITNESS))
            settings = AuditSettings([WitnessSettings(url, witness.text())], [log.text()])
            city = open_city(dsn, name, tmp_path / name, ports[name], held[name], settings, Witness(url, witness))
            out.append(await stack.enter_async_context(city))
        yield out


async def test_each_cosigns_what_the_other_signed(cities: list[City]) -> None:
    for city in cities:
        await city.grow(3)
        assert await city.look()
        await city.grow(4)
        assert await city.look()
    for city in cities:
        shown = await city.checkpoint()
        (seen,) = list_seen(cosigned_dir(city.run_dir))
        assert cosigned_at(shown["note"], city.vouches.verifier) == seen.time_s
        assert seen.checkpoint == read_checkpoint(shown["note"]) == city.recorder.keeper.kept()
        assert shown["witnesses"] == [{"key": city.vouches.verifier.text(), "note": shown["note"], "trouble": None}]


async def test_a_city_that_forgot_what_was_seen_asks_again(cities: list[City], dsn: str) -> None:
    yard, _ = cities
    await yard.grow(3)
    assert await yard.look()
    await yard.grow(2)
    for path in cosigned_dir(yard.run_dir).glob("*.json"):
        path.unlink()
    settings = AuditSettings([WitnessSettings(yard.vouches.url, yard.vouches.verifier.text())])
    again = open_recorder(yard.pool, yard.run_dir, "yard", settings, LOOPBACK)
    await again.settle()
    assert await again.cosigning.look(yard.vouches)


@pytest.mark.parametrize(
    ("count", "trouble"),
    [
        (5, "the witness saw another log of ours of this size"),
        (9, "the witness saw a log of ours that this one does not extend"),
        (2, "the witness saw a log of ours with 5 entries, there are 2: it was cut off"),
    ],
)
async def test_a_log_made_anew_is_not_cosigned_and_is_told(cities: list[City], count: int, trouble: str) -> None:
    yard, town = cities
    await yard.grow(5)
    assert await yard.look()
    await yard.forget()
    await yard.grow(count, "somebody")
    assert not await yard.look()
    assert not await yard.look()
    shown = await yard.checkpoint()
    assert [one["trouble"] for one in shown["witnesses"]] == [trouble]
    assert await town.pool.fetchval("SELECT size FROM audit_seen") == 5


async def test_a_witness_that_is_away_is_told(cities: list[City]) -> None:
    yard, _ = cities
    away = Witness("http://127.0.0.1:9/none", yard.vouches.verifier)
    recorder = open_recorder(
        yard.pool, yard.run_dir, "yard", AuditSettings([WitnessSettings(away.url, away.verifier.text())]), LOOPBACK
    )
    await recorder.before("anonymous", "app.start", "app")
    await recorder.settle()
    assert not await recorder.cosigning.look(away)
    assert recorder.cosigning.describe()[0]["trouble"] == "not reached: ClientConnectorError"


async def test_the_door_answers_as_the_standard_says(cities: list[City]) -> None:
    yard, town = cities
    await yard.grow(5)
    await yard.recorder.settle()
    note = yard.recorder.keeper.kept_note() or ""
    stranger = signer_of(yard.run_dir / "other", "yard").sign(Checkpoint("madang/yard/audit", 5, bytes(32)))
    unknown = note.replace("madang/yard", "madang/none")
    sent = [
        Submission(2, (bytes(32),), note),
        Submission(0, (bytes(32),), note),
        Submission(6, (), note),
        Submission(0, (), stranger),
        Submission(0, (), unknown),
        Submission(0, (), note),
        Submission(0, (), note),
    ]
    answers = [await town.door.post("witness/add-checkpoint", content=one.text()) for one in sent]
    assert [one.status_code for one in answers] == [409, 422, 400, 403, 404, 200, 409]
    told = [(one.text, one.headers["content-type"]) for one in answers if one.status_code == 409]
    assert told == [("0\n", "text/x.tlog.size"), ("5\n", "text/x.tlog.size")]
    too_long = await town.door.post("witness/add-checkpoint", content=b"x" * (WITNESS_BODY_MAX_BYTES + 1))
    assert too_long.status_code == 413


async def test_submissions_at_once_take_turns(cities: list[City]) -> None:
    yard, town = cities
    notes = []
    for _ in range(4):
        await yard.grow(2)
        await yard.recorder.settle()
        notes.append(yard.recorder.keeper.kept_note() or "")
    sent = [Submission(0, (), note).text() for note in notes] * 3
    answers = await asyncio.gather(*(town.door.post("witness/add-checkpoint", content=one) for one in sent))
    taken = [one for one in answers if one.status_code == 200]
    size = await town.pool.fetchval("SELECT size FROM audit_seen")
    told = {one.text for one in answers if one.status_code == 409}
    assert (len(taken), told) == (1, {f"{size}\n"})


async def test_a_city_without_witnesses_runs_on(recorder: Recorder) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(recorder.cosigning.run(), 0.05)
