"""A whole house without a simulator, and helpers that kill parts of it."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from madang.cli.instance import Instance, demo_env
from madang.engine.supervisor import Supervised
from madang.engine.temporary import scratch
from tests.waiting import until

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


@dataclass
class House:
    instance: Instance
    run_dir: Path

    @property
    def url(self) -> str:
        return self.instance.url

    def member(self, name: str) -> Supervised:
        return self.instance.supervisor.members[name]

    def kill(self, name: str) -> int:
        """kill -9; gives the process that was."""
        pid = self.member(name).state.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        return pid

    async def restored(self, name: str, old: int) -> None:
        await until(
            lambda: self.member(name).state.pid not in (None, old) and self.member(name).state.state == "running",
            f"{name} runs again",
        )


async def start_house(run_dir: Path) -> House:
    env = demo_env("operator", run_dir / "tiles", None, None)
    instance = Instance(run_dir, "yard", FIXTURES / "yard.toml", None, env, print)
    await instance.start_engines()
    await instance.start_kernel()
    return House(instance, run_dir)


@pytest.fixture(scope="module")
async def house() -> AsyncIterator[House]:
    """One house for a module, with the beacon app running."""
    folder = scratch("madang-flow-")
    house = await start_house(folder.path)
    async with httpx.AsyncClient(base_url=f"{house.url}madang/v1/", trust_env=False, timeout=20) as client:
        (await client.post("apps", json={"path": str(FIXTURES / "beacon")})).raise_for_status()
        (await client.post("apps/test.madang.beacon/start")).raise_for_status()
    yield house
    await house.instance.stop()
    folder.remove()
