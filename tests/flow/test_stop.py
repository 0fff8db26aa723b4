"""How a house ends, what it does with a full disk, and that a killed supervisor leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from madang.engine.supervisor import Supervisor
from madang.engine.temporary import scratch, sockets_of, sweep
from tests.flow.conftest import House, start_house
from tests.flow.demo_process import alive
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
ENTITY = {"id": "urn:ngsi-ld:T:yard:1", "type": "T", "n": 1}
ALONE = """
import asyncio, json, sys
from pathlib import Path
from tests.flow.conftest import start_house
async def main():
    house = await start_house(Path(sys.argv[1]))
    print(json.dumps({"url": house.url}), flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.fixture
def run_dir() -> Iterator[Path]:
    folder = scratch("madang-stop-")
    yield folder.path
    folder.remove()


def processes_of(house: House) -> list[psutil.Process]:
    supervisor: Supervisor = house.instance.supervisor
    roots = [psutil.Process(member.state.pid) for member in supervisor.members.values()]
    return [*roots, *(child for root in roots for child in root.children(recursive=True))]


async def test_a_clean_stop_leaves_no_process_and_the_next_start_has_the_state(run_dir: Path) -> None:
    first = await start_house(run_dir)
    async with httpx.AsyncClient(base_url=first.url, trust_env=False) as client:
        assert (await client.post("ngsi-ld/v1/entities", json=ENTITY)).status_code == 201
    processes = processes_of(first)
    await first.instance.stop()
    assert len(processes) > 5 and alive(processes) == []
    assert not sockets_of(run_dir).path.exists()
    second = await start_house(run_dir)
    async with httpx.AsyncClient(base_url=second.url, trust_env=False) as client:
        answer = await client.get(f"ngsi-ld/v1/entities/{ENTITY['id']}", params={"options": "keyValues"})
    await second.instance.stop()
    assert answer.json() == ENTITY


async def test_nothing_outlives_a_killed_supervisor(run_dir: Path) -> None:
    argv = [sys.executable, "-c", ALONE, str(run_dir)]
    alone = await asyncio.create_subprocess_exec(*argv, stdout=subprocess.PIPE, cwd=ROOT)
    assert alone.stdout is not None
    assert json.loads(await alone.stdout.readline())["url"]
    processes = psutil.Process(alone.pid).children(recursive=True)
    alone.kill()
    await alone.wait()
    assert len(processes) > 5
    await until(lambda: not alive(processes), "every process ended")
    sweep()  # or that of any Madang that starts on this machine at this moment
    await until(lambda: not sockets_of(run_dir).path.exists(), "its sockets are gone")


@pytest.fixture
def small_disk(run_dir: Path) -> Iterator[Path]:
    """400 MB; skipped where nothing can be mounted."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m,mode=0711", "tmpfs", str(run_dir)], check=False)
    if mounted.returncode:
        pytest.skip("no small disk can be mounted here")
    yield run_dir
    subprocess.run(["umount", "-l", str(run_dir)], check=True)


@pytest.fixture
async def full_disk(small_disk: Path) -> AsyncIterator[House]:
    """A house on a small disk, which the test then fills."""
    house = await start_house(small_disk)
    yield house
    await house.instance.stop()


async def test_a_full_disk_refuses_writes_and_answers_reads(full_disk: House) -> None:
    ballast = full_disk.run_dir / "ballast"
    async with httpx.AsyncClient(base_url=f"{full_disk.url}ngsi-ld/v1/", trust_env=False, timeout=20) as client:
        assert (await client.post("entities", json=ENTITY)).status_code == 201
        with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            while True:
                file.write(bytes(1 << 20))

        async def refused() -> bool:
            return (await client.post("entityOperations/upsert", json=[ENTITY])).status_code == 507

        await until(refused, "writes are answered 507")
        assert (await client.get("entities", params={"type": "T", "options": "keyValues"})).json() == [ENTITY]
        batch = await client.post("entityOperations/upsert", json=[ENTITY])
        assert (batch.status_code, batch.json()["title"]) == (507, "Insufficient storage")
        ballast.unlink()

        async def taken() -> bool:
            answer = await client.post("entityOperations/upsert", json=[{**ENTITY, "id": "urn:ngsi-ld:T:yard:3"}])
            return answer.status_code in (201, 204)

        await until(taken, "writes go on when there is room again")
