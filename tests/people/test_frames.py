"""Apps' pages in frames: for whom the ticket was made, through that app's socket, with nothing that a frame may not have."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.browsing import City
from tests.callers import OPERATOR, READER
from tests.waiting import until

from madang.base.clock import ManualClock
from madang.base.errors import Forbidden, NotFound, Unauthorized
from madang.base.limits import FRAME_ANSWER_MAX_BYTES, FRAME_BODY_MAX_BYTES, FRAME_TICKET_S
from madang.engine.sealing import Seal
from madang.people.frames.forward import Forwarder, open_socket
from madang.people.frames.framing import Frames
from madang.people.frames.pages import seen_as, viewer_of
from madang.people.frames.ticket import Ticket, issue, read
from madang.people.frames.viewing import Viewer, may_see, page_of
from madang.people.gateway import Gateway
from madang.runtime.manifest import Manifest, Page, Widget
from madang.sdk import App
from madang.sdk.pages import Pages, Reply, see_other

SEAL, NOW = Seal(b"k" * 32), datetime(2026, 6, 1, tzinfo=UTC)
BOTH = {"ko": "x", "en": "x"}
MANIFEST = Manifest(
    "org.example.x", "1", BOTH, BOTH, "x.app", [],
    pages=[Page("/", BOTH, ["citizen", "operator"]), Page("/desk", BOTH, ["operator"])],
    widgets=[Widget("/tiny", BOTH)],
)  # fmt: skip
KIM = Viewer("kim", "s1", frozenset({"citizen"}), "ko", False)
BOSS = Viewer("", "", frozenset({"operator"}), "en", True)


@given(st.text(max_size=80))
def test_only_what_was_issued_is_read(text: str) -> None:
    with pytest.raises(Unauthorized):
        read(SEAL, text, 0.0)


def test_a_ticket_is_for_minutes_and_cannot_be_bent() -> None:
    text = issue(SEAL, "org.example.x", "kim", "s1", "ko", 1000.0)
    assert read(SEAL, text, 1000.0) == Ticket("org.example.x", "kim", "s1", "ko", 1000 + FRAME_TICKET_S)
    other = issue(Seal(b"o" * 32), "org.example.x", "kim", "s1", "ko", 1000.0)
    for bad, now in ((text, 1000.0 + FRAME_TICKET_S), (other, 1000.0), ("x" + text, 1000.0), (text[:-1] + "g", 1000.0)):
        with pytest.raises(Unauthorized):
            read(SEAL, bad, now)


def test_a_path_belongs_to_the_longest_page_it_lies_below() -> None:
    found = [
        getattr(page_of(MANIFEST, path), "path", None) for path in ("/", "/a", "/desk", "/desk/a", "/desks", "/tiny")
    ]
    assert found == ["/", "/", "/desk", "/desk", "/", "/tiny"]
    assert page_of(replace_pages(), "/elsewhere") is None
    assert [may_see(one, MANIFEST.widgets[0]) for one in (KIM, BOSS)] == [False, True]


def replace_pages() -> Manifest:
    return Manifest("a.b", "1", BOTH, BOTH, "x.app", [], pages=[Page("/desk", BOTH)])


def made_app() -> App:
    app = App()

    @app.page("/", methods=("GET", "POST"))
    async def home(request: Any) -> Any:
        who = {
            "who": request.viewer.pseudonym,
            "roles": sorted(request.viewer.roles),
            "language": request.viewer.language,
        }
        return who | {"root": request.root, "query": dict(request.query), "body": request.body.decode()}

    @app.page("/go")
    async def go(request: Any) -> Reply:
        return see_other("/desk?a=1")

    @app.page("/away")
    async def away(request: Any) -> Reply:
        return Reply(status=303, location="https://elsewhere.example/")

    @app.page("/large")
    async def large(request: Any) -> str:
        return "x" * (FRAME_ANSWER_MAX_BYTES + 1)

    @app.page("/program")
    async def program(request: Any) -> Reply:
        return Reply(b"MZ", media="application/x-msdownload")

    @app.page("/broken")
    async def broken(request: Any) -> str:
        raise RuntimeError("secret inside")

    return app


@dataclass
class House:
    """A gateway with frames alone, and an app that answers. `viewer`: who the next ticket is made for."""

    client: httpx.AsyncClient
    folder: Path
    clock: ManualClock
    viewer: Viewer = KIM
    refused: list[tuple[str, str, str]] = field(default_factory=list)

    def path(self, path: str = "") -> str:
        seconds = NOW.timestamp()
        return f"/frames/{issue(SEAL, 'org.example.x', self.viewer.person, 's1', self.viewer.language, seconds)}/{path}"

    async def manifest(self, app_id: str) -> Manifest:
        if app_id != MANIFEST.id:
            raise NotFound(app_id)
        return MANIFEST

    async def seen(self, ticket: Ticket, headers: Mapping[bytes, bytes]) -> Viewer:
        return self.viewer


@pytest.fixture
async def house() -> AsyncIterator[House]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / MANIFEST.id
        folder.mkdir()
        serving = asyncio.create_task(Pages(made_app().plan.pages).serve(folder / "pages.sock"))
        await until((folder / "pages.sock").exists, "it listens")
        nothing: Any = None
        made = House(nothing, Path(name), ManualClock(NOW))
        frames = Frames(SEAL, made.clock, made, Forwarder(Path(name)), made.seen, lambda person, app: f"{person}@{app}")
        gate = Gateway(
            nothing, nothing, nothing, nothing, nothing, nothing, nothing, OPERATOR,
            refused=lambda *told: made.refused.append(told), frames=frames,
        )  # fmt: skip
        transport = httpx.ASGITransport(app=gate)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8600") as client:
            made.client = client
            yield made
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def test_the_app_is_told_who_looks_and_nothing_of_the_browser(house: House) -> None:
    told = {"madang-viewer": "boss", "madang-roles": "administrator", "cookie": "madang-session=1", "origin": "null"}
    got = await house.client.get(house.path("?a=1"), headers=told)
    sent = await house.client.post(house.path(), content=b"note=x", headers=told)
    who = {"who": "kim@org.example.x", "roles": ["citizen"], "language": "ko", "root": house.path()}
    assert got.json() == who | {"query": {"a": "1"}, "body": ""}
    assert sent.json() == who | {"query": {}, "body": "note=x"}
    policy = got.headers["content-security-policy"]
    assert "sandbox allow-scripts allow-forms;" in policy and "allow-same-origin" not in policy
    assert (
        f"connect-src http://localhost:8600{house.path()};" in policy
        and "frame-ancestors http://localhost:8600" in policy
    )
    assert (got.headers["access-control-allow-origin"], got.headers["cache-control"]) == ("*", "no-store")
    assert "set-cookie" not in got.headers


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("desk", 403, "볼 권한이 없습니다"),
        ("nowhere", 404, "화면이 없습니다"),
        ("large", 503, "답하지 않습니다"),
        ("program", 503, "답하지 않습니다"),
        ("broken", 503, "답하지 않습니다"),
        ("%00", 404, "화면이 없습니다"),
        ("%2e%2e/x", 404, "화면이 없습니다"),
    ],
)
async def test_what_a_frame_may_not_have_it_does_not_get(house: House, path: str, status: int, words: str) -> None:
    got = await house.client.get(house.path() + path, headers={"accept-language": "ko"})
    assert (got.status_code, words in got.text, "secret" in got.text) == (status, True, False)


async def test_who_lost_a_role_sees_no_more(house: House) -> None:
    house.viewer = replace(KIM, roles=frozenset({"operator"}))
    mine = house.path("desk")
    assert (await house.client.get(mine)).status_code == 404  # open, and the app has no such page
    house.viewer = KIM
    assert (await house.client.get(mine)).status_code == 403
    assert house.refused == [("anonymous", "GET", "/frames")]
    house.clock.set(NOW + timedelta(seconds=FRAME_TICKET_S))
    assert (await house.client.get(house.path())).status_code == 401


async def test_it_leads_to_the_apps_own_pages_alone(house: House) -> None:
    own, away = [await house.client.get(house.path(one)) for one in ("go", "away")]
    assert (own.headers["location"], own.status_code) == (house.path("desk?a=1"), 303)
    assert "location" not in away.headers
    asked = await house.client.options(house.path(), headers={"origin": "null"})
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, "*")
    refused = [await house.client.request(one, house.path()) for one in ("DELETE", "PUT")]
    assert [one.status_code for one in refused] == [405, 405]
    large = await house.client.post(house.path(), content=b"x" * (FRAME_BODY_MAX_BYTES + 1))
    assert large.status_code == 413


async def test_a_link_to_another_socket_is_no_socket(house: House) -> None:
    folder = house.folder / MANIFEST.id
    (folder / "pages.sock").rename(folder / "other.sock")
    os.symlink(folder / "other.sock", folder / "pages.sock")
    with pytest.raises(NotFound):
        open_socket(folder / "pages.sock")
    assert (await house.client.get(house.path())).status_code == 404


def test_who_comes_by_a_strange_name_may_not_act_without_a_credential() -> None:
    ours, strange = {b"host": b"localhost:8600"}, {b"host": b"rebound.example:8600"}
    assert viewer_of(OPERATOR, None, "", "ko", ours) == Viewer("", "", frozenset({"operator"}), "ko", True)
    with pytest.raises(Forbidden):
        viewer_of(OPERATOR, None, "", "ko", strange)
    assert viewer_of(READER, None, "", "ko", strange).roles == frozenset({"reader"})


async def test_a_person_is_looked_up_again(city: City) -> None:
    person = await city.person("kim", "citizen")
    browser = city.browser()
    await browser.get("/sign-in")
    await browser.sign_in("kim")
    (session,) = await city.identity.sessions.of(person.id)
    find = seen_as(city.identity, READER)
    ticket, ours = Ticket("a.b", person.id, session.id, "en", 0), {b"host": b"localhost"}
    assert await find(ticket, ours) == Viewer(person.id, session.id, frozenset({"citizen"}), "en", False)
    await city.identity.sessions.end(person.id, session.id)
    assert (await find(ticket, ours)).person == ""
