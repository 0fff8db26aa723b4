"""Feeds are pulled as each kind of server has them, and only what has changed is taken: against servers on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

from madang.base.clock import ManualClock
from madang.base.errors import BadRequest, NotFound
from madang.engine.outward import allowed_networks
from madang.lake.datasets.book import Book
from madang.lake.datasets.dataset import Described
from madang.lake.feeds.ckan import record_of
from madang.lake.feeds.feed import BACKOFF_MAX, Feed, Kind, Wanted, next_due
from madang.lake.feeds.feeds import Feeds
from madang.lake.feeds.pulling import Pulling
from madang.lake.files.report import ARRIVED

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
LOOPBACK = allowed_networks("127.0.0.0/8")


class Site:
    """What a server of open data answers, by path."""

    def __init__(self) -> None:
        self.text, self.etag, self.base, self.ckan_hash, self.asked = "n\n1\n", '"1"', "", "a", 0

    async def file(self, request: web.Request) -> web.Response:
        self.asked += 1
        if request.headers.get("if-none-match") == self.etag:
            return web.Response(status=304)
        return web.Response(text=self.text, headers={"etag": self.etag}, content_type="text/csv")

    async def untold(self, request: web.Request) -> web.Response:
        self.asked += 1
        return web.Response(text=self.text, content_type="text/csv")

    async def record(self, request: web.Request) -> web.Response:
        return web.json_response(
            {"success": True, "result": {"url": "/untold", "hash": self.ckan_hash, "format": "CSV"}}
        )

    async def items(self, request: web.Request) -> web.Response:
        place = int(request.query.get("offset", "0"))
        links = [{"rel": "next", "href": f"{self.base}/collections/c/items?offset={place + 1}"}] * (place == 0)
        return web.json_response({"features": [{"type": "Feature", "properties": {"n": place}}], "links": links})

    async def things(self, request: web.Request) -> web.Response:
        place = int(request.query.get("$skip", "0"))
        more = {"@iot.nextLink": f"{self.base}/Things?$skip=1"} if place == 0 else {}
        return web.json_response({"value": [{"@iot.id": place}]} | more)

    async def broken(self, request: web.Request) -> web.Response:
        return web.Response(status=500)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site, app = Site(), web.Application()
    paths: dict[str, Any] = {
        "/file": site.file, "/untold": site.untold, "/api/3/action/resource_show": site.record, "/collections/c/items": site.items,
        "/Things": site.things, "/broken": site.broken,
    }  # fmt: skip
    app.add_routes([web.get(path, handler) for path, handler in paths.items()])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield site
    await runner.cleanup()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
async def feeds(pool: asyncpg.Pool, clock: ManualClock) -> Feeds:
    await Book(pool, clock).make("d", Described({"en": "D"}), "person:one")
    return Feeds(pool, clock)


@pytest.fixture
def pulling(feeds: Feeds, pool: asyncpg.Pool, clock: ManualClock, tmp_path: Path) -> Pulling:
    return Pulling(feeds, Book(pool, clock), tmp_path, LOOPBACK)


def arrived(inbox: Path) -> list[str]:
    return sorted(path.read_text() for path in inbox.glob(f"*/{ARRIVED}"))


async def told(feeds: Feeds) -> Feed:
    found = await feeds.find("d")
    assert found is not None
    return found


async def test_by_etag_nothing_is_sent_again(
    site: Site, feeds: Feeds, pulling: Pulling, clock: ManualClock, tmp_path: Path
) -> None:
    await feeds.put("d", Wanted(f"{site.base}/file", every_s=60), "person:one")
    assert (await pulling.once(), await pulling.once()) == (True, False)
    outcomes = [(await told(feeds)).outcome]
    for text, etag in [("n\n1\n", '"1"'), ("n\n2\n", '"2"')]:
        site.text, site.etag = text, etag
        clock.set(clock.now() + timedelta(seconds=60))
        assert await pulling.once()
        outcomes.append((await told(feeds)).outcome)
    assert (outcomes, arrived(tmp_path), site.asked) == (["changed", "same", "changed"], ["n\n1\n", "n\n2\n"], 3)


async def test_without_one_the_hash_tells(
    site: Site, feeds: Feeds, pulling: Pulling, clock: ManualClock, tmp_path: Path
) -> None:
    await feeds.put("d", Wanted(f"{site.base}/untold", every_s=60), "person:one")
    await pulling.once()
    clock.set(NOW + timedelta(seconds=60))
    await pulling.once()
    assert ((await told(feeds)).outcome, arrived(tmp_path), site.asked) == ("same", ["n\n1\n"], 2)


async def test_ckan_says_itself_whether_a_file_has_changed(
    site: Site, feeds: Feeds, pulling: Pulling, clock: ManualClock, tmp_path: Path
) -> None:
    await feeds.put("d", Wanted(f"{site.base}/dataset/bins/resource/r-1", "ckan", 60), "person:one")
    await pulling.once()
    clock.set(NOW + timedelta(seconds=60))
    await pulling.once()
    assert ((await told(feeds)).outcome, arrived(tmp_path), site.asked) == ("same", ["n\n1\n"], 1)


@pytest.mark.parametrize(
    ("kind", "path", "body"),
    [
        (
            "ogc",
            "collections/c",
            {
                "type": "FeatureCollection",
                "features": [{"type": "Feature", "properties": {"n": 0}}, {"type": "Feature", "properties": {"n": 1}}],
            },
        ),
        ("sensorthings", "Things", [{"@iot.id": 0}, {"@iot.id": 1}]),
    ],
)
async def test_pages_are_put_together(
    site: Site, feeds: Feeds, pulling: Pulling, tmp_path: Path, kind: Kind, path: str, body: Any
) -> None:
    await feeds.put("d", Wanted(f"{site.base}/{path}", kind), "person:one")
    await pulling.once()
    (text,) = arrived(tmp_path)
    assert json.loads(text) == body


@pytest.fixture
def ftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    folder, authorizer = tmp_path_factory.mktemp("ftp"), DummyAuthorizer()
    authorizer.add_anonymous(str(folder))
    handler = type("Handler", (FTPHandler,), {"authorizer": authorizer})
    server = FTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"timeout": 0.02, "handle_exit": False})
    thread.start()
    yield folder, server.address[1]
    server.close_all()
    thread.join()


async def test_ftp(ftp: tuple[Path, int], feeds: Feeds, pulling: Pulling, clock: ManualClock, tmp_path: Path) -> None:
    (ftp[0] / "a.csv").write_text("n\n1\n")
    await feeds.put("d", Wanted(f"ftp://127.0.0.1:{ftp[1]}/a.csv", "ftp", 60), "person:one")
    await pulling.once()
    clock.set(NOW + timedelta(seconds=60))
    await pulling.once()
    found = await told(feeds)
    assert (found.outcome, found.etag.split()[0], arrived(tmp_path)) == ("same", "4", ["n\n1\n"])


@pytest.mark.parametrize("path", ["broken", "collections/c"])
async def test_what_fails_stands_with_the_feed_and_is_asked_later_each_time(
    site: Site, feeds: Feeds, pulling: Pulling, clock: ManualClock, tmp_path: Path, path: str
) -> None:
    await feeds.put("d", Wanted(f"{site.base}/{path}", "sensorthings", 60), "person:one")
    await pulling.once()
    clock.set(NOW + timedelta(seconds=200))
    await pulling.once()
    found = await told(feeds)
    assert (found.outcome, found.failures, found.due_at) == ("failed", 2, NOW + timedelta(seconds=200 + 240))
    assert (found.detail != "", arrived(tmp_path), list(tmp_path.iterdir())) == (True, [], [])


async def test_private_networks_are_not_asked(
    site: Site, feeds: Feeds, pool: asyncpg.Pool, clock: ManualClock, tmp_path: Path
) -> None:
    await feeds.put("d", Wanted(f"{site.base}/file"), "person:one")
    await Pulling(feeds, Book(pool, clock), tmp_path, ()).once()
    assert ((await told(feeds)).outcome, site.asked) == ("failed", 0)


async def test_a_feed_can_be_ended(feeds: Feeds) -> None:
    await feeds.put("d", Wanted("https://a.example/x"), "person:one")
    await feeds.drop("d")
    assert await feeds.find("d") is None
    with pytest.raises(NotFound):
        await feeds.drop("d")


@pytest.mark.parametrize("wanted", [Wanted("file:///etc/passwd"), Wanted("http://x", "ftp"), Wanted("https://x\n")])
def test_addresses_that_are_none(wanted: Wanted) -> None:
    with pytest.raises(BadRequest):
        wanted.check()


def test_where_ckan_keeps_its_record() -> None:
    address = "https://data.example/ko/dataset/bins/resource/0a-1"
    assert record_of(address) == "https://data.example/ko/api/3/action/resource_show?id=0a-1"


@given(st.integers(60, 366 * 86_400), st.integers(0, 10_000))
def test_a_feed_is_never_asked_sooner_than_its_rhythm_nor_much_later(every_s: int, failures: int) -> None:
    wait = next_due(every_s, failures, NOW) - NOW
    assert timedelta(seconds=every_s) <= wait <= max(timedelta(seconds=every_s), BACKOFF_MAX)
