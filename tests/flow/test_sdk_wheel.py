"""The SDK as it is published: a small wheel, alone in an empty environment, whose apps run in a real city and whose recorder records it."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import venv
import zipfile
from collections.abc import AsyncIterator
from importlib.metadata import distribution, version
from pathlib import Path

import httpx
import pytest

from madang.sdk.testing import read_recording
from tests.flow.conftest import House
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
COUNTING = ROOT / "tests" / "sdk" / "apps" / "counting"
NEEDED = ("cronsim", "h11", "websockets")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(argv, cwd=ROOT / "packaging" / "madang-sdk", check=True, capture_output=True, timeout=120)
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def alone(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel and what it says it needs, taken from this one."""
    folder = tmp_path_factory.mktemp("alone")
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(packages)
    for name in NEEDED:
        for file in distribution(name).files or ():
            source, target = Path(str(file.locate())), packages / file
            if ".." not in file.parts and source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(source.read_bytes())
    return folder / "bin" / "python"


def test_the_wheel_is_small_pure_and_of_this_version(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
        (about,) = [packed.read(name).decode() for name in names if name.endswith("METADATA")]
    rooms = {name.split("/")[1] for name in names if name.startswith("madang/") and name.count("/") > 1}
    assert rooms == {"base", "sdk"} and wheel.name == f"madang_sdk-{version('madang')}-py3-none-any.whl"
    needs = {
        line.split(": ")[1].split(">")[0]
        for line in about.splitlines()
        if line.startswith("Requires-Dist") and "extra" not in line
    }
    assert (needs, wheel.stat().st_size < 120_000) == (set(NEEDED), True)


def test_the_rest_of_madang_is_not_there(alone: Path) -> None:
    code = "import madang.sdk, importlib.util as u; print([n for n in ('msgspec', 'asyncpg', 'httpx', 'madang.model') if u.find_spec(n)])"
    done = subprocess.run([alone, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture
async def running(alone: Path, house: House, tmp_path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    argv = [alone, "-m", "madang.sdk.tools", "run", str(COUNTING), "--url", house.url, "--data", str(tmp_path)]
    process = await asyncio.create_subprocess_exec(*argv)
    yield process
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 20) == 0


async def test_its_apps_run_in_a_real_city(running: asyncio.subprocess.Process, house: House) -> None:
    async with httpx.AsyncClient(base_url=f"{house.url}ngsi-ld/v1/", trust_env=False, timeout=20) as client:

        async def counted() -> bool:
            body = [{"id": "urn:ngsi-ld:Gauge:yard:w", "type": "Gauge", "n": 4}]
            (await client.post("entityOperations/upsert", json=body)).raise_for_status()
            found = (await client.get("entities/urn:ngsi-ld:Total:yard:w", params={"options": "keyValues"})).json()
            return "sum" in found and found["sum"] % 4 == 0

        await until(counted, "it counts", 60)


async def test_it_records_what_happens(alone: Path, house: House, tmp_path: Path) -> None:
    argv = [
        alone,
        "-m",
        "madang.sdk.tools",
        "record",
        str(tmp_path / "day.ndjson"),
        "--url",
        house.url,
        "--types",
        "Lamp",
        "--seconds",
        "2",
    ]
    async with httpx.AsyncClient(base_url=f"{house.url}ngsi-ld/v1/", trust_env=False, timeout=20) as client:
        await client.post("entities", json={"id": "urn:ngsi-ld:Lamp:yard:1", "type": "Lamp", "on": False})
        process = await asyncio.create_subprocess_exec(*argv)
        switched = True
        while process.returncode is None:
            await client.patch("entities/urn:ngsi-ld:Lamp:yard:1/attrs", json={"on": switched})
            switched = not switched
    day = read_recording(tmp_path / "day.ndjson")
    assert (day.city, day.timezone, day.types, [one["id"] for one in day.entities]) == (
        "yard", "Asia/Seoul", ("Lamp",), ["urn:ngsi-ld:Lamp:yard:1"],
    )  # fmt: skip
    values = [change["entity"]["on"] for change in day.changes]
    assert len(values) > 5 and all(one != two for one, two in itertools.pairwise(values)), json.dumps(values)
