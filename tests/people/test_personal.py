"""A person's own space over HTTP, and an app of whose SDK nobody here knows more than a reader of its docs."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from tests.callers import OPERATOR, app, caller
from tests.conftest import Nothing

from madang.base.clock import SystemClock
from madang.people.gateway import Gateway
from madang.people.personal.asking import Asking
from madang.people.personal.door import PersonalDoor
from madang.runtime.apps import Apps
from madang.runtime.manifest import load_manifest
from madang.sdk.door import Door
from madang.sdk.http import Address, Answer
from madang.trust.audit.recorder import Recorder
from madang.trust.caller import Caller
from madang.trust.consent.house import PersonalHouse
from madang.trust.consent.pseudonyms import Pseudonyms

pytestmark = pytest.mark.engine
MANIFEST = """
id = "org.example.rides"
version = "1"
entry = "rides.app"
scopes = []
name = { ko = "함께 타기", en = "Rides" }
summary = { ko = "같은 길을 가는 이웃", en = "Neighbours on the same way" }

[[people]]
kind = "place"
members = ["location"]
purpose = "match-rides"
retention_days = 7
text = { ko = "가까운 이웃을 찾습니다", en = "find neighbours nearby" }
"""
HOME = {"name": "집", "location": {"type": "Point", "coordinates": [126.978, 37.566]}}
WHO = {
    "kim": caller("citizen", name="kim"),
    "lee": caller("citizen", name="lee"),
    "mayor": caller("administrator", name="mayor"),
    "rides": app("org.example.rides"),
    "other": app("org.example.other"),
}
As = Callable[[str], AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    package = tmp_path / "rides"
    package.mkdir()
    (package / "app.toml").write_text(MANIFEST, encoding="utf-8")
    (package / "app.py").write_text("")
    return package


@pytest.fixture
async def city(pool: asyncpg.Pool, recorder: Recorder, folder: Path) -> AsyncIterator[Gateway]:
    async def by_token(token: str) -> Caller | None:
        return WHO.get(token)

    async def ask(request: dict[str, Any]) -> Any:
        return None

    apps = Apps(pool, ask, folder / "door", folder)
    await apps.install(folder)
    asking = Asking(apps)
    house = PersonalHouse(pool, Pseudonyms(b"k"), SystemClock(), recorder, asking)
    nothing: Any = Nothing()
    absent: Any = None
    personal = PersonalDoor(house, asking)
    yield Gateway(nothing, nothing, nothing, nothing, absent, absent, by_token, OPERATOR, personal=personal)


@pytest.fixture
def as_(city: Gateway) -> As:
    @asynccontextmanager
    async def come(who: str) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(app=city)  # type: ignore[arg-type]
        head = {"authorization": f"Bearer {who}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost/madang/v1/", headers=head
        ) as client:
            yield client

    return come


@dataclass
class InProcess:
    """The door's client, without a network."""

    client: httpx.AsyncClient

    async def ask(self, method: str, target: str, body: bytes = b"", media: str = "application/json") -> Answer:
        headers = {"content-type": media} if body else {}
        answer = await self.client.request(method, target, content=body, headers=headers)
        return Answer(answer.status_code, answer.content)


@asynccontextmanager
async def sdk(city: Gateway, who: str) -> AsyncIterator[Door]:
    door = Door(Address.of("http://localhost"), who)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=city),  # type: ignore[arg-type]
        base_url="http://localhost",
        headers={"authorization": f"Bearer {who}"},
    ) as client:
        door._client = InProcess(client)  # type: ignore[assignment]
        yield door


async def test_a_person_shows_an_app_a_place_and_takes_it_back(city: Gateway, as_: As) -> None:
    async with as_("kim") as kim, sdk(city, "rides") as rides:
        kept = await kim.put("me/items/place/home", json=HOME)
        assert (kept.status_code, kept.json()["item"]) == (200, HOME)
        (asking,) = (await kim.get("me/apps")).json()
        assert (asking["name"]["ko"], asking["asks"][0]["members"]) == ("함께 타기", ["location"])
        wanted = {"app": asking["app"], "kind": "place", "purpose": "match-rides"}
        agreed = await kim.post("me/consents", json=wanted)
        assert (agreed.status_code, agreed.json()["retentionDays"]) == (201, 7)
        (seen,) = await rides.persons("place", "match-rides")
        assert seen["items"] == {"home": {"location": HOME["location"]}}
        assert await rides.person(seen["pseudonym"], "place", "match-rides") == seen
        looks = (await kim.get("me/reads")).json()
        assert [(one["app"], one["items"], one["members"]) for one in looks] == [
            (asking["app"], ["home"], ["location"])
        ] * 2
        ended = await kim.delete(f"me/consents/{agreed.json()['id']}")
        assert ended.json()["withdrawnAt"] is not None
        assert await rides.persons("place", "match-rides") == []
        (due,) = await rides.erasures()
        assert (due["pseudonym"], due["why"]) == (seen["pseudonym"], "withdrawn")
        await rides.erased(due["id"], 2, "matches of last week")
        (receipt,) = (await kim.get("me/erasures")).json()
        assert receipt["receipt"] == {"erased": 2, "note": "matches of last week"}


async def test_nobody_else_comes_in(as_: As) -> None:
    async with (
        as_("kim") as kim,
        as_("lee") as lee,
        as_("mayor") as mayor,
        as_("rides") as rides,
        as_("nobody") as nobody,
    ):
        await kim.put("me/items/place/home", json=HOME)
        agreed = await kim.post(
            "me/consents", json={"app": "org.example.rides", "kind": "place", "purpose": "match-rides"}
        )
        assert [(await one.get("me/items")).json() for one in (lee, mayor)] == [[], []]
        assert (await lee.delete(f"me/consents/{agreed.json()['id']}")).status_code == 404
        assert [(await one.get("me")).status_code for one in (rides, nobody)] == [403, 401]
        assert [(await one.get("persons?item=place&purpose=match-rides")).status_code for one in (kim, mayor)] == [
            403,
            403,
        ]
        async with as_("other") as other:
            assert (await other.get("persons?item=place&purpose=match-rides")).json() == []


async def test_everything_is_taken_away_and_deleted(as_: As) -> None:
    async with as_("kim") as kim:
        await kim.put("me/items/mobility/me", json={"wheelchair": True})
        as_json, as_csv = await kim.get("me/export"), await kim.get("me/export?form=csv")
        assert as_json.json()["items"][0]["item"] == {"wheelchair": True}
        assert as_csv.headers["content-disposition"] == 'attachment; filename="my-space.zip"'
        assert zipfile.ZipFile(io.BytesIO(as_csv.content)).namelist() == [
            "items.csv",
            "consents.csv",
            "reads.csv",
            "erasures.csv",
        ]
        assert (await kim.delete("me")).json() == {"erasures": 0}
        assert (await kim.get("me")).json() == {
            "person": "kim",
            "items": [],
            "consents": [],
            "reads": [],
            "erasures": [],
        }


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "me/items/diary/a", {}, 400),
        ("PUT", "me/items/place/a", {"name": "x"}, 400),
        ("PUT", "me/items/place/a%2Fb", HOME, 400),
        ("DELETE", "me/items/place/none", None, 404),
        ("POST", "me/consents", {"app": "org.example.rides"}, 400),
        ("POST", "me/consents", {"app": "org.none", "kind": "place", "purpose": "x"}, 404),
        ("POST", "me/consents", {"app": "org.example.rides", "kind": "journey", "purpose": "match-rides"}, 404),
        ("PATCH", "me/consents/none", {"retentionDays": 1}, 404),
        ("PATCH", "me/consents/none", {"retentionDays": "1"}, 400),
        ("GET", "me/reads?limit=0", None, 400),
        ("GET", "me/export?form=xml", None, 406),
        ("GET", "me/diary", None, 404),
        ("POST", "me", {}, 405),
    ],
)
async def test_wrong_input_is_told(as_: As, method: str, path: str, body: Any, status: int) -> None:
    async with as_("kim") as kim:
        assert (await kim.request(method, path, json=body)).status_code == status


@pytest.mark.parametrize(
    "bent",
    [
        MANIFEST.replace('"place"', '"diary"'),
        MANIFEST.replace('["location"]', '["colour"]'),
        MANIFEST.replace("retention_days = 7", "retention_days = -1"),
        MANIFEST.replace('en = "find neighbours nearby"', 'de = "x"'),
        MANIFEST + MANIFEST[MANIFEST.index("[[people]]") :],
    ],
)
def test_a_manifest_asks_for_what_there_is(folder: Path, bent: str) -> None:
    (folder / "app.toml").write_text(bent, encoding="utf-8")
    with pytest.raises(Exception, match=r"app\.toml|no kind|members|retention"):
        load_manifest(folder)
