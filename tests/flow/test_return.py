"""What an instance takes up again: apps that were switched on, and commands nobody will answer any more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from madang.cli.auditing import audit_verify
from madang.engine.temporary import scratch
from tests.flow.conftest import FIXTURES, House, start_house
from tests.waiting import until

APP = "test.madang.beacon"
RAIN = {"kind": "simulation.rain", "target": "urn:ngsi-ld:Simulation:yard:field", "value": {}, "reason": "a test"}


@pytest.fixture
async def run_dir() -> AsyncIterator[Path]:
    folder = scratch("madang-return-")
    yield folder.path
    folder.remove()


async def ask(house: House, method: str, path: str, body: Any = None) -> Any:
    async with httpx.AsyncClient(base_url=f"{house.url}madang/v1/", trust_env=False, timeout=20) as client:
        answer = (await client.request(method, path, json=body)).raise_for_status()
        return answer.json() if answer.content else None


async def settled(house: House, state: str) -> None:
    async def is_so() -> bool:
        return bool((await ask(house, "GET", "apps"))[0]["state"] == state)

    await until(is_so, f"the app is {state}")


async def with_app(run_dir: Path) -> House:
    """A house whose app was switched on."""
    house = await start_house(run_dir)
    await ask(house, "POST", "apps", {"path": str(FIXTURES / "beacon")})
    await ask(house, "POST", f"apps/{APP}/start")
    await settled(house, "running")
    return house


async def test_an_app_returns_with_its_instance_unless_it_was_switched_off(run_dir: Path) -> None:
    await (await with_app(run_dir)).instance.stop()
    again = await start_house(run_dir)
    await settled(again, "running")
    await ask(again, "POST", f"apps/{APP}/stop")
    await again.instance.stop()
    third = await start_house(run_dir)
    await settled(third, "stopped")
    members = set(third.instance.supervisor.members)
    entries = [one["entry"] for one in await ask(third, "GET", f"audit?whom={APP}")]
    happened = sorted(entries, key=lambda one: one["at"])  # how an act ended may be written after the next one began
    told = [(one["who"], one["what"], one["outcome"]) for one in happened]
    assert told == [
        ("anonymous", "app.grant", "done"),
        ("anonymous", "app.start", "accepted"),
        ("anonymous", "app.start", "done"),
        ("madang", "app.start", "accepted"),
        ("anonymous", "app.stop", "accepted"),
        ("anonymous", "app.stop", "done"),
    ]
    assert await audit_verify(str(run_dir)) == 0
    await third.instance.stop()
    assert f"app:{APP}" not in members


async def test_a_killed_gateway_leaves_the_app_alone_and_fails_what_waited_for_a_device(run_dir: Path) -> None:
    house = await with_app(run_dir)
    given, app_pid = await ask(house, "POST", "commands", RAIN), house.member(f"app:{APP}").state.pid
    await house.restored("gateway", house.kill("gateway"))
    told = await ask(house, "GET", f"commands/{given['id']}")
    assert house.member(f"app:{APP}").state.pid == app_pid
    await house.instance.stop()
    assert given["status"] == "accepted"
    ended = {"status": "failed", "reason": "interrupted", "by": "service", "at": given["expiresAt"]}
    assert told == given | ended | {"detail": "the system stopped before the device answered"}
