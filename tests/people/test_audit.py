"""What administrators and the command room decide is on record, and the record can be proved over HTTP."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import asyncpg
import httpx
import pytest
from tests.callers import GATE, OPERATOR, READER

from madang.base.errors import Unavailable
from madang.cli.desk import CityClock, Desk
from madang.context.store import Store
from madang.engine.settings import Settings
from madang.people.gateway import Gateway
from madang.people.manage import Management
from madang.people.policies import PolicyDoor
from madang.runtime.apps import Apps
from madang.trust.audit.entry import Event
from madang.trust.audit.log import decode_leaf
from madang.trust.audit.merkle import extends, includes, leaf_hash
from madang.trust.audit.note import open_checkpoint, read_verifier
from madang.trust.audit.recorder import Recorder
from madang.trust.caller import Caller

pytestmark = pytest.mark.engine
BEACON = str(Path(__file__).resolve().parents[1] / "fixtures" / "beacon")
RAIN = {"kind": "simulation.rain", "target": "urn:ngsi-ld:Simulation:yard:field", "reason": "trying"}
FIT, UNFIT = RAIN | {"value": {"intensity_mm_h": 6, "duration_s": 600}}, RAIN | {"value": {"intensity_mm_h": "wet"}}
ANY = (None, None, None)


@pytest.fixture
def desk(dsn: str, pool: asyncpg.Pool, store: Store, recorder: Recorder) -> Desk:
    settings = Settings(Path(), "yard", "yard.toml", dsn, "", "", False, False, 0)
    return Desk(settings, "yard", pool, store, CityClock(1.0), recorder)


@pytest.fixture
def management(pool: asyncpg.Pool, recorder: Recorder, tmp_path: Path) -> Management:
    async def ask(request: dict[str, Any]) -> None:
        return None

    nothing: Any = Mock()
    apps = Apps(pool, ask, tmp_path / "door", tmp_path)
    return Management(
        {}, apps, nothing, nothing, nothing, nothing, nothing, nothing, recorder, PolicyDoor(GATE, nothing, nothing)
    )


def client_of(management: Management, caller: Caller) -> httpx.AsyncClient:
    nothing: Any = Mock()
    app = Gateway(nothing, management, nothing, nothing, nothing, nothing, nothing, caller)
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8600/madang/v1/")


@pytest.fixture
async def door(management: Management) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(management, OPERATOR) as client:
        yield client


async def told(recorder: Recorder) -> list[tuple[str, str, str]]:
    """What, about whom and how it ended, oldest first."""
    leaves = [decode_leaf(one["leaf"]) for one in await recorder.log.page(100, None, *ANY)]
    return [(leaf["what"], leaf["whom"], leaf["outcome"]) for leaf in reversed(leaves)]


async def test_acts_of_an_administrator_are_on_record_before_and_after(
    door: httpx.AsyncClient, recorder: Recorder
) -> None:
    await door.post("apps", json={"path": BEACON})
    await door.post("apps/test.madang.beacon/start")
    await door.post("apps/test.madang.beacon/stop")
    await door.delete("apps/test.madang.beacon")
    assert (await door.delete("apps/test.madang.beacon")).status_code == 404
    await recorder.settle()
    app = "test.madang.beacon"
    assert sorted(await told(recorder)) == sorted(
        [
            ("app.install", BEACON, "accepted"),
            ("app.install", BEACON, "done"),
            ("app.grant", app, "done"),
            *((what, app, end) for what in ("app.start", "app.stop", "app.remove") for end in ("accepted", "done")),
            ("app.remove", app, "accepted"),
            ("app.remove", app, "failed"),
            ("app.receipt", app, "done"),
        ]
    )


async def test_what_cannot_be_put_on_record_is_not_done(
    door: httpx.AsyncClient, recorder: Recorder, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder.log, "append", Mock(side_effect=Unavailable("the database is not answering")))
    answer = await door.post("apps", json={"path": BEACON})
    assert (answer.status_code, await pool.fetchval("SELECT count(*) FROM app")) == (503, 0)


async def test_decisions_of_the_command_room_are_on_record_with_their_reason(desk: Desk, recorder: Recorder) -> None:
    receipts = await desk.submit_many(OPERATOR, [FIT, UNFIT])
    assert [one["status"] for one in receipts] == ["failed", "refused"]  # there is no device
    await recorder.settle()
    leaves = [decode_leaf(one["leaf"]) for one in await recorder.log.page(10, None, *ANY)]
    shown = [(leaf["outcome"], leaf["why"], leaf["details"]["id"], leaf["details"]["reason"]) for leaf in leaves[::-1]]
    assert shown == [
        ("accepted", "trying", receipts[0]["id"], ""),
        ("refused", "trying", receipts[1]["id"], receipts[1]["reason"]),
        ("failed", "trying", receipts[0]["id"], "not_sent"),
    ]


async def test_a_command_that_cannot_be_put_on_record_moves_nothing(
    desk: Desk, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(desk, "send", sent.append)
    monkeypatch.setattr(recorder.log, "append", Mock(side_effect=Unavailable("the database is not answering")))
    with pytest.raises(Unavailable):
        await desk.submit(OPERATOR, FIT)
    assert sent == []


async def test_what_happened_while_the_database_was_away_is_put_on_record_later(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Event] = []
    append = recorder.log.append
    monkeypatch.setattr(recorder.log, "append", Mock(side_effect=Unavailable("the database is not answering")))
    recorder.after("app:a", "command", "urn:x:1", "", "done")
    await recorder.settle()
    kept += recorder.facts
    monkeypatch.setattr(recorder.log, "append", append)
    await recorder.settle()
    (shown,) = await recorder.log.page(10, None, *ANY)
    assert (len(kept), len(recorder.facts), decode_leaf(shown["leaf"])["whom"]) == (1, 0, "urn:x:1")


async def test_the_record_is_proved_to_who_asks(door: httpx.AsyncClient, recorder: Recorder) -> None:
    for number in range(5):
        await recorder.before("anonymous", "app.start", f"app{number}")
    first = (await door.get("audit/checkpoint")).json()
    for number in range(5, 8):
        await recorder.before("anonymous", "app.start", f"app{number}")
    second = (await door.get("audit/checkpoint")).json()
    old, new = (open_checkpoint(one["note"], read_verifier(one["key"])) for one in (first, second))
    grown = (await door.get("audit/proof/consistency", params={"old": old.size, "new": new.size})).json()["proof"]
    (entry,) = (await door.get("audit", params={"whom": "app3"})).json()
    held = (await door.get("audit/proof/inclusion", params={"index": entry["seq"], "size": new.size})).json()["proof"]
    assert (old.size, new.size, entry["entry"]["whom"]) == (5, 8, "app3")
    assert extends(old.size, old.root, new.size, new.root, [base64.b64decode(one) for one in grown])
    leaf = leaf_hash(entry["leaf"].encode())
    assert includes(leaf, entry["seq"], new.size, [base64.b64decode(one) for one in held], new.root)
    page = (await door.get("audit", params={"limit": 2, "before": 4})).json()
    assert [one["seq"] for one in page] == [3, 2]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("audit?limit=0", 400),
        ("audit?before=x", 400),
        ("audit/proof/inclusion?index=3&size=3", 400),
        ("audit/proof/inclusion?index=3", 400),
        ("audit/proof/inclusion?index=3&size=4", 404),
        ("audit/proof/consistency?old=0&new=3", 400),
        ("audit/proof/consistency?old=1&new=3", 404),
        ("audit/other", 404),
    ],
)
async def test_nonsense_is_refused(door: httpx.AsyncClient, path: str, status: int) -> None:
    assert (await door.get(path)).status_code == status


@pytest.mark.parametrize(
    "path",
    ["audit", "audit/checkpoint", "audit/proof/inclusion?index=0&size=1", "audit/proof/consistency?old=1&new=1"],
)
async def test_only_operators_read_it(management: Management, path: str) -> None:
    async with client_of(management, READER) as client:
        assert (await client.get(path)).status_code == 403
