"""A kernel of its own for an app under trial: real database, bus, gateway and sandbox, at the pace of the simulated city."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil

from madang.base.city import CityConfig
from madang.cli.instance import Instance, demo_env
from madang.cli.load import load_entities, read_entities
from madang.cli.up import bbox_of
from madang.store.testbed.arms import Cost

PAGE = 1_000
USES = ("reads", "writes", "messages")
_USED = "SELECT measure, sum(amount) AS amount FROM app_usage WHERE app_id = $1 AND measure = ANY($2) GROUP BY measure ORDER BY measure"


class Kernel:
    """One arm's."""

    def __init__(self, run_dir: Path, city: CityConfig, city_file: Path, files: Path, seed: int) -> None:
        self._run_dir, self._city, self._city_file, self._files, self._seed = run_dir, city, city_file, files, seed
        self._instance: Instance | None = None

    @property
    def instance(self) -> Instance:
        if self._instance is None:
            raise RuntimeError("the kernel does not live yet")
        return self._instance

    @property
    def mqtt(self) -> str:
        """For the field."""
        return self.instance.field_mqtt

    @asynccontextmanager
    async def living(self, app: Path, app_id: str) -> AsyncIterator[None]:
        """With the city loaded and the app started; in lockstep, so nothing happens yet."""
        self._run_dir.mkdir()
        demo = {"seed": self._seed, "speed": 0.0, "lockstep": True}
        env = demo_env("operator", self._run_dir / "tiles", bbox_of(self._files), demo)
        env |= {"MADANG_PRIVATE_NETWORKS": "", "MADANG_APP_LOCKSTEP": "1"}
        self._instance = Instance(self._run_dir, self._city.id, self._city_file, 0, env, lambda text: None)
        try:
            await self._instance.start_engines()
            await load_entities(self._instance.settings.database, read_entities(self._files / "entities.ndjson"))
            await self._instance.start_kernel()
            async with self._client() as client:
                (await client.post("madang/v1/apps", json={"path": str(app)})).raise_for_status()
                (await client.post(f"madang/v1/apps/{app_id}/start")).raise_for_status()
            yield
        finally:
            await self._instance.stop()

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(trust_env=False, base_url=self.instance.url, timeout=30)

    async def said(self, types: Sequence[str]) -> list[dict[str, Any]]:
        """All entities of these types, in concise form."""
        found: list[dict[str, Any]] = []
        async with self._client() as client:
            for kind in types:
                asked = {"type": kind, "format": "concise", "limit": str(PAGE)}
                found += (await client.get("ngsi-ld/v1/entities", params=asked)).raise_for_status().json()
        return found

    async def cost(self, app_id: str) -> Cost:
        """What the app took so far; nobody else commands here. Before it is stopped: its processes are asked."""
        pid = self.instance.supervisor.members[f"app:{app_id}"].state.pid
        processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)] if pid is not None else []
        times = [process.cpu_times() for process in processes]
        connection = await asyncpg.connect(self.instance.settings.database)
        try:
            rows = await connection.fetch("SELECT status, count(*) AS n FROM command GROUP BY status")
            used = await connection.fetch(_USED, app_id, list(USES))
        finally:
            await connection.close()
        return Cost(
            sum(one.user + one.system for one in times),
            sum(peak_bytes(process.pid) for process in processes),
            {row["status"]: row["n"] for row in rows},
            {row["measure"]: float(row["amount"]) for row in used},
        )


def peak_bytes(pid: int) -> int:
    """The most memory that was ever resident; 0 where the system does not tell."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as lines:
            return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)
    except OSError:
        return 0
