"""Policies in a real house: a broken file keeps its gateway from starting, a changed one is in force within a second."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from madang.cli.instance import Instance, demo_env
from madang.engine.settings import Settings
from madang.engine.temporary import scratch
from tests.conftest import Listener
from tests.flow.conftest import FIXTURES, House
from tests.waiting import until

CLOSED = '@id("closed") forbid (principal, action, resource is Entity) when { resource in Type::"Secret" };'


@pytest.mark.parametrize("role", ["gateway", "courier"])
def test_a_broken_file_is_told_with_its_line_and_nothing_starts(tmp_path: Path, role: str) -> None:
    (tmp_path / "parks.cedar").write_text("// trees\n\npermit (principal, action, resource);\n")
    settings = Settings(tmp_path, "yard", str(FIXTURES / "yard.toml"), "postgresql://nowhere", "", "", False, False, 0)
    env = settings.env() | {"MADANG_POLICIES": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "madang", "run", role], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    told = "parks.cedar:3: needs an @id(\"...\") that no other policy has, not ''"
    assert (done.returncode, told in done.stderr) == (1, True)


@pytest.fixture(scope="module")
async def governed() -> AsyncIterator[House]:
    """A house with a folder of policies, `policies` in its run folder."""
    folder = scratch("madang-flow-")
    policies = folder.path / "policies"
    policies.mkdir()
    env = demo_env("operator", folder.path / "tiles", None, None) | {"MADANG_POLICIES": str(policies)}
    instance = Instance(folder.path, "yard", FIXTURES / "yard.toml", None, env, print)
    await instance.start_engines()
    await instance.start_kernel()
    yield House(instance, folder.path)
    await instance.stop()
    folder.remove()


async def test_a_changed_file_is_in_force_within_a_second_and_on_record(governed: House, listener: Listener) -> None:
    file = governed.run_dir / "policies" / "secrets.cedar"
    async with httpx.AsyncClient(base_url=governed.url, trust_env=False, timeout=20) as client:
        ngsi = f"{governed.url}ngsi-ld/v1"
        entity = {"id": "urn:x:1", "type": "Secret", "n": 1}
        hears = {
            "type": "Subscription",
            "entities": [{"type": "Secret"}],
            "notification": {"endpoint": {"uri": listener.url}},
        }
        made = [
            (await client.post(f"{ngsi}/{path}", json=body)).status_code
            for path, body in (("subscriptions", hears), ("entities", entity))
        ]
        await until(lambda: listener.shown, "the subscriber hears")
        file.write_text(CLOSED)
        began = time.monotonic()

        async def status() -> int:
            return (await client.get(f"{ngsi}/entities/urn:x:1")).status_code

        async def closed() -> bool:
            return await status() == 404

        await until(closed, "it is hidden")
        took_s = time.monotonic() - began
        refused = await client.get(f"{ngsi}/entities?type=Secret")
        file.write_text("permit;")

        async def on_record() -> list[str]:
            told = (await client.get("madang/v1/audit?what=policy.load")).json()
            return [one["entry"]["outcome"] for one in told] if len(told) == 3 else []

        outcomes = await until(on_record, "all is on record")
        assert (made, refused.status_code, refused.json()["rules"]) == ([201, 201], 403, ["closed"])
        assert (outcomes, await status(), took_s < 1) == (["failed", "done", "done"], 404, True)
