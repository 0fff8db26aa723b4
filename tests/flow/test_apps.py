"""Strangers' apps in a whole house: who means harm is stopped and told of, and what everybody does is counted, whoever is killed."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from wasmtime import wat2wasm

from madang.base.clock import SystemClock
from madang.engine.database import connect_pool
from madang.runtime.logs import log_path, tail
from madang.runtime.meter import Meter
from madang.runtime.package import pack
from madang.runtime.records import Records
from madang.runtime.sandbox import probe
from tests.flow.conftest import FIXTURES, House
from tests.waiting import until

MISCHIEF, DILIGENT, WARM = "test.madang.mischief", "test.madang.diligent", "test.madang.warm"
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
pytestmark = pytest.mark.skipif(probe() < 3, reason="this machine has not every wall, or this user is not root")


async def ask(house: House, method: str, path: str, body: Any = None) -> Any:
    async with httpx.AsyncClient(base_url=f"{house.url}madang/v1/", trust_env=False, timeout=20) as client:
        answer = (await client.request(method, path, json=body)).raise_for_status()
        return answer.json() if answer.content else None


async def started(house: House, name: str) -> str:
    manifest = await ask(house, "POST", "apps", {"path": str(FIXTURES / name)})
    await ask(house, "POST", f"apps/{manifest['id']}/start")
    return str(manifest["id"])


@pytest.fixture
async def database(house: House) -> Any:
    async with await connect_pool(house.instance.settings.database, 1, 2) as pool:
        yield pool


async def test_whatever_it_tries_it_is_stopped_and_told_and_nobody_else_notices(
    house: House, database: asyncpg.Pool
) -> None:
    secret = house.run_dir / "apps" / "test.madang.beacon" / "secret"
    secret.write_text("mine")
    before = {name: member.state.restarts for name, member in house.instance.supervisor.members.items()}
    await started(house, "mischief")
    path = log_path(house.run_dir, MISCHIEF)
    await until(lambda: "flood" in tail(path, 10_000), "it tried everything")
    assert tail(path, 10_000).splitlines() == [
        "steal PermissionError", "home PermissionError", "forge 401", "spy 404", "overreach 403", "flood [200, 429]",
    ]  # fmt: skip
    wanted = {
        ("refused", f"fs.read_file {secret}"),
        ("refused", "socket"),
        ("forged", ""),
        ("no_consent", "/madang/v1/persons/p1"),
        ("refused", "/ngsi-ld/v1/entities"),
        ("flooded", "20/s"),
    }

    async def told() -> bool:
        events = await Records(database).events(MISCHIEF, 100)
        return wanted == {(one.kind, one.detail) for one in events}

    await until(told, "the operator is told of each, and of nothing else")
    await ask(house, "DELETE", f"apps/{MISCHIEF}")
    after = {name: member.state.restarts for name, member in house.instance.supervisor.members.items()}
    assert after == before


async def test_what_was_answered_is_what_was_counted_though_the_gateway_was_killed(
    house: House, database: asyncpg.Pool
) -> None:
    await started(house, "diligent")
    data = house.run_dir / "apps" / DILIGENT

    def count() -> dict[str, int]:
        file = data / "count.json"
        return json.loads(file.read_text()) if file.exists() else {"writes": 0}

    for _ in range(2):
        before = count()["writes"]
        await until(lambda before=before: count()["writes"] > before + 100, "it works")
        await house.restored("gateway", house.kill("gateway"))
    before = count()["writes"]
    await until(lambda: count()["writes"] > before + 100, "it works on")
    (data / "stop").touch()
    await until((data / "stopped").exists, "it has stopped")
    outside, meter = count(), Meter(database, Path(house.run_dir / "elsewhere"), SystemClock())

    async def metered() -> dict[str, int]:
        return {name: int(amount) for (_, name), amount in (await meter.usage(DILIGENT, *ALWAYS)).items()}

    async def settled() -> bool:
        found = await metered()
        return all(found.get(measure, 0) >= outside[measure] for measure in ("writes", "reads"))

    await until(settled, "what was counted is in the database")
    found = await metered()
    for measure in (
        "writes",
        "reads",
    ):  # of what nobody answered some was done: the client cannot know, nor need it pay
        assert outside[measure] <= found[measure] <= outside[measure] + outside.get(f"{measure}_lost", 0)
    assert found["cpu_s"] >= 0
    await ask(house, "DELETE", f"apps/{DILIGENT}")
    assert (await metered())["writes"] == found["writes"]


async def test_a_module_of_a_stranger_computes_behind_every_wall(house: House, tmp_path: Path) -> None:
    alert = r"[{\"id\":\"urn:ngsi-ld:WarmAlert:yard:1\",\"type\":\"WarmAlert\",\"warm\":true}]"
    folder = Path(shutil.copytree(FIXTURES / "warm", tmp_path / "warm"))
    length = len(alert.replace("\\", ""))
    (folder / "warm.wasm").write_bytes(
        bytes(
            wat2wasm(f"""(module (memory (export "memory") 1) (data (i32.const 16) "{alert}")
            (func (export "alloc") (param i32) (result i32) i32.const 4096)
            (func (export "on_entity") (param i32 i32) (result i64) i64.const {16 << 32 | length}))""")
        )
    )
    async with httpx.AsyncClient(base_url=house.url, trust_env=False, timeout=20) as client:
        body = pack(folder)
        package = {"content-type": "application/octet-stream"}
        (await client.post("madang/v1/apps", content=body, headers=package)).raise_for_status()
        (await client.post(f"madang/v1/apps/{WARM}/start")).raise_for_status()
        device = {"id": "urn:ngsi-ld:Device:yard:warm", "type": "Device", "value": 30}
        (await client.post("ngsi-ld/v1/entityOperations/upsert", json=[device])).raise_for_status()

        async def alerted() -> bool:
            found = await client.get("ngsi-ld/v1/entities/urn:ngsi-ld:WarmAlert:yard:1")
            return found.status_code == 200

        await until(alerted, "the module was told and its answer written")
        level = (await client.get(f"madang/v1/apps/{WARM}")).json()["sandbox"]
        await client.delete(f"madang/v1/apps/{WARM}")
    assert (level, tail(log_path(house.run_dir, WARM), 1_000)) == (3, "")
