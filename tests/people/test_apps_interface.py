"""The life of an app over the management interface: a package comes, is changed, and goes with what it made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import asyncpg
import httpx
import pytest
from tests.callers import GATE, OPERATOR
from tests.runtime.packages import MANIFEST, app_folder

from madang.context.produce import Produce
from madang.context.writer import Writer
from madang.model.entity import Entity
from madang.model.operations import Create
from madang.people.gateway import Gateway
from madang.people.manage import Management
from madang.people.policies import PolicyDoor
from madang.runtime.apps import Apps
from madang.runtime.package import pack
from madang.trust.audit.recorder import Recorder

pytestmark = pytest.mark.engine
ID = "org.example.quiet"
MAKES = MANIFEST.replace("[[scopes]]", 'produces = [{ type = "TreeReport" }, { type = "TreeAlert" }]\n[[scopes]]')
MORE = '[[scopes]]\naction = "write"\ntype = "TreeReport"\npurpose = { ko = "알립니다", en = "report" }\n'
BINARY = {"content-type": "application/octet-stream"}


@pytest.fixture
def apps(pool: asyncpg.Pool, writer: Writer, tmp_path: Path) -> Apps:
    async def ask(request: dict[str, Any]) -> None:
        return None

    apps = Apps(pool, ask, tmp_path / "door", tmp_path / "apps")
    apps.produce = Produce(pool, writer)
    return apps


@pytest.fixture
async def door(apps: Apps, recorder: Recorder) -> AsyncIterator[httpx.AsyncClient]:
    nothing: Any = Mock()

    def status() -> dict[str, Any]:
        return {"components": {}}

    policies = PolicyDoor(GATE, nothing, nothing)
    management = Management({}, apps, nothing, nothing, status, nothing, nothing, nothing, recorder, policies)
    gateway: Any = Gateway(nothing, management, nothing, nothing, nothing, nothing, nothing, OPERATOR)
    transport = httpx.ASGITransport(app=gateway)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8600/madang/v1/") as client:
        yield client


def package(tmp_path: Path, version: str, manifest: str = MAKES) -> bytes:
    text = manifest.replace('version = "1.0"', f'version = "{version}"')
    return pack(app_folder(tmp_path / version, text))


async def test_a_package_is_installed_granted_less_updated_and_rolled_back(
    door: httpx.AsyncClient, tmp_path: Path
) -> None:
    installed = await door.post("apps", content=package(tmp_path, "1.0"), headers=BINARY)
    (asked,) = (await door.get(f"apps/{ID}")).json()["asks"]
    fewer = (await door.put(f"apps/{ID}/grants", json=[asked | {"attributes": ["height"]}])).json()
    update = await door.post(f"apps/{ID}/versions", content=package(tmp_path, "2.0", MAKES + MORE), headers=BINARY)
    waiting = (await door.get(f"apps/{ID}")).json()
    assert (installed.status_code, [one["attributes"] for one in fewer]) == (201, [["height"]])
    assert (update.json()["waits"], [one["type"] for one in update.json()["asks"]]) == (True, ["TreeReport"])
    assert (waiting["version"], waiting["waiting"], waiting["grants"]) == ("1.0", "2.0", fewer)
    accepted = (await door.post(f"apps/{ID}/accept")).status_code
    after = (await door.get(f"apps/{ID}")).json()
    assert (accepted, after["version"]) == (204, "2.0")
    assert [(one["type"], one["attributes"]) for one in after["grants"]] == [("Tree", ["height"]), ("TreeReport", None)]
    back = (await door.post(f"apps/{ID}/rollback")).status_code
    before = (await door.get(f"apps/{ID}")).json()
    assert (back, before["version"], before["grants"]) == (204, "1.0", fewer)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("grants", [{"action": "write", "type": "Tree", "purpose": {"ko": "", "en": ""}}], 400),
        ("grants", {"action": "read"}, 400),
        ("versions", {"folder": "/"}, 400),
        ("accept", {}, 404),
        ("decline", {}, 404),
        ("rollback", {}, 404),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    door: httpx.AsyncClient, tmp_path: Path, path: str, body: Any, status: int
) -> None:
    await door.post("apps", content=package(tmp_path, "1.0"), headers=BINARY)
    before = (await door.get(f"apps/{ID}")).json()
    answer = await door.request({"grants": "PUT"}.get(path, "POST"), f"apps/{ID}/{path}", json=body)
    assert (answer.status_code, (await door.get(f"apps/{ID}")).json()) == (status, before)


async def test_what_an_app_alone_made_goes_with_it_when_that_is_asked(
    door: httpx.AsyncClient, writer: Writer, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    other = MAKES.replace(ID, "org.example.other").replace("quiet.main", "other.main").replace("TreeReport", "Twig")
    await door.post("apps", content=package(tmp_path / "a", "1.0"), headers=BINARY)
    await door.post("apps", content=package(tmp_path / "b", "1.0", other), headers=BINARY)
    kinds = ("TreeReport", "TreeReport", "TreeAlert", "Tree")
    await writer.submit_many([Create(Entity(f"urn:x:{at}", [kind], {})) for at, kind in enumerate(kinds)])
    made = (await door.get(f"apps/{ID}")).json()["made"]
    refused = [(await door.delete(f"apps/{ID}", params={"clear": name})).status_code for name in ("Tree", "TreeAlert")]
    receipt = (await door.delete(f"apps/{ID}", params={"clear": "TreeReport"})).json()
    left = [row["id"] for row in await pool.fetch("SELECT id FROM entity ORDER BY id")]
    assert (made, refused) == ({"TreeReport": 2}, [400, 400])
    assert (receipt["cleared"], left) == ({"TreeReport": 2}, ["urn:x:2", "urn:x:3"])
