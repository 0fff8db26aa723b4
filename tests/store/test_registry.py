"""A city that downloads from a store whose wire, mirror or publisher is in other hands: what TUF promises, attack by attack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tuf.api.exceptions import DownloadHTTPError
from tuf.api.metadata import Metadata
from tuf.ngclient import FetcherInterface

from madang.base.clock import ManualClock
from madang.base.errors import BadRequest, NotFound
from madang.store.registry.client import Client
from madang.store.registry.keys import ROLES, ask_for_new, open_keys, signer_of
from madang.store.registry.publishing import signed_role, target_path
from madang.store.registry.repository import Repository
from tests.store.making import PUBLISHER, START, Yard, keys, package, person, public_of, seed_of, yard

pytestmark = pytest.mark.engine
BASE = "https://store.example/tuf"
PATH = target_path(PUBLISHER, f"{PUBLISHER}.dust", "1.0.0")
NEXT = target_path(PUBLISHER, f"{PUBLISHER}.dust", "1.1.0")
Wire = dict[str, bytes]


class Mirror(FetcherInterface):
    """Answers from what a test put on the wire."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def _fetch(self, url: str) -> Iterator[bytes]:
        body = self.wire.get(url.removeprefix(f"{BASE}/"))
        if body is None:
            raise DownloadHTTPError("not there", 404)
        yield body


class Endless(Mirror):
    """The timestamp never ends."""

    sent = 0

    def _fetch(self, url: str) -> Iterator[bytes]:
        while url.endswith("timestamp.json"):
            self.sent += 1
            yield b" " * 1024
        yield from super()._fetch(url)


async def wire_of(store: Yard) -> Wire:
    """Everything a store serves now."""
    rows = await store.pool.fetch("SELECT name, version, body FROM store_role ORDER BY name, version")
    wire = {f"metadata/{row['version']}.{row['name']}.json": bytes(row["body"]) for row in rows}
    wire["metadata/timestamp.json"] = await store.repository.metadata("timestamp.json")
    for one in await store.releases.in_states("published"):
        name = f"{one.sha256}.{one.app}-{one.version}.madang"
        wire[f"targets/{one.publisher}/{name}"] = await store.repository.target(one.publisher, name)
    return wire


@pytest.fixture
async def store(pool: asyncpg.Pool) -> Yard:
    store = yard(pool, ManualClock(START))
    await store.repository.found()
    await store.publisher(await person(pool, "mina"))
    return store


@pytest.fixture
def body(tmp_path: Path) -> bytes:
    return package(tmp_path)


async def client(store: Yard, folder: Path, fetcher: FetcherInterface) -> Client:
    return Client(folder, await store.repository.found(), BASE, fetcher)


async def test_what_was_published_is_what_a_city_gets(store: Yard, body: bytes, tmp_path: Path) -> None:
    await store.published("mina", body)
    city = await client(store, tmp_path / "city", Mirror(await wire_of(store)))
    assert await city.download(PATH) == body


async def test_what_is_not_published_is_not_found(store: Yard, body: bytes, tmp_path: Path) -> None:
    await store.submitted("mina", body)
    city = await client(store, tmp_path / "city", Mirror(await wire_of(store)))
    with pytest.raises(NotFound):
        await city.download(PATH)


async def test_what_was_withdrawn_is_not_found_any_more(store: Yard, body: bytes, tmp_path: Path) -> None:
    release = await store.published("mina", body)
    await store.desk.withdraw("reviewer", release.id, "it tells lies")
    city = await client(store, tmp_path / "city", Mirror(await wire_of(store)))
    with pytest.raises(NotFound, match="withdrawn"):
        await city.download(PATH)


async def test_rollback_a_mirror_that_goes_back_to_yesterday_is_refused(
    store: Yard, body: bytes, tmp_path: Path
) -> None:
    first = await store.published("mina", body)
    old = await wire_of(store)
    newer = package(tmp_path, "1.1.0")
    await store.published("mina", newer, first.role, version="1.1.0")
    mirror = Mirror(await wire_of(store))
    city = await client(store, tmp_path / "city", mirror)
    assert await city.download(NEXT) == newer
    mirror.wire = old
    with pytest.raises(BadRequest, match="BadVersionNumberError"):
        await city.download(PATH)


async def test_freeze_a_mirror_that_shows_the_same_for_ever_is_refused_in_a_day(
    store: Yard, body: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.published("mina", body)
    city = await client(store, tmp_path / "city", Mirror(await wire_of(store)))
    assert await city.download(PATH) == body
    later(monkeypatch, START + timedelta(days=1, minutes=1))
    with pytest.raises(BadRequest, match="ExpiredMetadataError"):
        await city.download(PATH)


async def test_a_store_that_is_kept_is_never_frozen(
    store: Yard, body: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.published("mina", body)
    city = await client(store, tmp_path / "city", Mirror({}))
    clock: Any = store.clock
    for days in (0.6, 4, 50, 200, 340):
        clock.set(START + timedelta(days=days))
        await store.repository.refresh()
        city._fetcher.wire = await wire_of(store)  # type: ignore[union-attr]
        later(monkeypatch, clock.now())
        assert await city.download(PATH) == body


def later(monkeypatch: pytest.MonkeyPatch, now: Any) -> None:
    """The client's clock, which it does not let be passed in."""
    import tuf.ngclient._internal.trusted_metadata_set as trusted

    class Then(type(START)):  # type: ignore[misc]
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return now

    monkeypatch.setattr(trusted.datetime, "datetime", Then)


async def test_without_the_root_key_everything_goes_on_and_root_stays(pool: asyncpg.Pool, tmp_path: Path) -> None:
    clock = ManualClock(START)
    first = Repository(pool, open_keys(tmp_path), clock)
    await first.found()
    (tmp_path / "keys" / "store" / "root").rename(tmp_path / "root")
    clock.set(START + timedelta(days=300))
    without = Repository(pool, open_keys(tmp_path), clock)
    await without.refresh()
    versions = "SELECT name, max(version) AS latest FROM store_role GROUP BY name ORDER BY name"
    assert [row["latest"] for row in await pool.fetch(versions)] == [1, 2, 2, 2]
    (tmp_path / "root").rename(tmp_path / "keys" / "store" / "root")
    await Repository(pool, open_keys(tmp_path), clock).refresh()
    assert [row["latest"] for row in await pool.fetch(versions)] == [2, 2, 2, 2]


@pytest.mark.parametrize("roles", [("targets", "timestamp"), ROLES])
async def test_a_city_follows_a_store_to_new_keys_and_those_before_open_nothing(
    pool: asyncpg.Pool, body: bytes, tmp_path: Path, roles: tuple[str, ...]
) -> None:
    before = {role: open_keys(tmp_path)[role] for role in ROLES}
    store = yard(pool, signing=open_keys(tmp_path))
    await store.publisher(await person(pool, "mina"))
    await store.published("mina", body)
    mirror = Mirror(await wire_of(store))
    city = await client(store, tmp_path / "city", mirror)
    assert await city.download(PATH) == body
    ask_for_new(tmp_path, roles)
    await store.repository.refresh()
    mirror.wire = await wire_of(store)
    assert await city.download(PATH) == body
    now = open_keys(tmp_path)
    assert {role for role in ROLES if now[role].public_key != before[role].public_key} == set(roles)
    forged: Metadata[Any] = Metadata.from_bytes(mirror.wire["metadata/timestamp.json"])
    forged.signed.version += 1
    forged.sign(before["timestamp"])
    mirror.wire["metadata/timestamp.json"] = forged.to_bytes()
    with pytest.raises(BadRequest, match="UnsignedMetadataError"):
        await city.download(PATH)


async def test_new_keys_wait_for_the_one_of_root(pool: asyncpg.Pool, tmp_path: Path) -> None:
    repository = Repository(pool, open_keys(tmp_path), ManualClock(START))
    await repository.found()
    before, folder = open_keys(tmp_path)["targets"].public_key, tmp_path / "keys" / "store"
    (folder / "root").rename(tmp_path / "root")
    ask_for_new(tmp_path, ["targets"])
    await repository.refresh()
    waited = open_keys(tmp_path)["targets"].public_key
    (tmp_path / "root").rename(folder / "root")
    await repository.refresh()
    assert (waited == before, open_keys(tmp_path)["targets"].public_key == before) == (True, False)
    assert sorted(path.name for path in folder.iterdir()) == sorted(ROLES)


async def test_mix_and_match_roles_of_different_days_do_not_stand_together(
    store: Yard, body: bytes, tmp_path: Path
) -> None:
    first = await store.published("mina", body)
    old = await wire_of(store)
    await store.published("mina", package(tmp_path, "1.1.0"), first.role, version="1.1.0")
    wire = await wire_of(store)
    latest = max(int(name.split("/")[1].split(".")[0]) for name in wire if name.endswith(".snapshot.json"))
    wire[f"metadata/{latest}.snapshot.json"] = old[f"metadata/{latest - 1}.snapshot.json"]
    city = await client(store, tmp_path / "city", Mirror(wire))
    with pytest.raises(BadRequest, match="LengthOrHashMismatchError"):
        await city.download(NEXT)


async def test_wrong_key_a_store_of_others_cannot_pass_for_this_one(store: Yard, body: bytes, tmp_path: Path) -> None:
    await store.published("mina", body)
    wire = await wire_of(store)
    forged = Metadata.from_bytes(wire["metadata/timestamp.json"])
    forged.signatures.clear()
    forged.sign(keys("thief")["timestamp"])
    wire["metadata/timestamp.json"] = forged.to_bytes()
    city = await client(store, tmp_path / "city", Mirror(wire))
    with pytest.raises(BadRequest, match="UnsignedMetadataError"):
        await city.download(PATH)


async def test_wrong_key_not_even_the_store_can_sign_for_a_publisher(store: Yard, body: bytes, tmp_path: Path) -> None:
    """Who holds the targets key alone can put a publisher's role into the snapshot, but no client takes it."""
    release = await store.published("mina", body)
    evil = package(tmp_path / "evil", more='website = "https://evil.example"')
    role = signed_role(release.role, PATH, evil, store.keys["targets"], START)
    async with store.pool.acquire() as connection, connection.transaction():
        await store.repository.publish(connection, (PUBLISHER, 2, role))
    wire = await wire_of(store)
    city = await client(store, tmp_path / "city", Mirror(wire))
    with pytest.raises(BadRequest, match="UnsignedMetadataError"):
        await city.download(PATH)


async def test_a_package_that_was_altered_on_the_way_is_refused(store: Yard, body: bytes, tmp_path: Path) -> None:
    await store.published("mina", body)
    wire = {
        name: data[:-1] + b"!" if name.startswith("targets/") else data for name, data in (await wire_of(store)).items()
    }
    city = await client(store, tmp_path / "city", Mirror(wire))
    with pytest.raises(BadRequest, match="LengthOrHashMismatchError"):
        await city.download(PATH)


async def test_endless_data_is_read_no_further_than_the_limit(store: Yard, body: bytes, tmp_path: Path) -> None:
    await store.published("mina", body)
    mirror = Endless(await wire_of(store))
    city = await client(store, tmp_path / "city", mirror)
    with pytest.raises(BadRequest, match="DownloadLengthMismatchError"):
        await city.download(PATH)
    assert mirror.sent <= 17  # KiB; the client takes 16 of a timestamp


async def test_a_package_of_endless_data_is_read_no_further_than_was_signed(
    store: Yard, body: bytes, tmp_path: Path
) -> None:
    await store.published("mina", body)
    wire = {name: data * 2 if name.startswith("targets/") else data for name, data in (await wire_of(store)).items()}
    city = await client(store, tmp_path / "city", Mirror(wire))
    with pytest.raises(BadRequest, match="DownloadLengthMismatchError"):
        await city.download(PATH)


async def test_a_revoked_key_ends_what_only_it_signed_until_that_is_signed_anew(
    store: Yard, body: bytes, tmp_path: Path
) -> None:
    release = await store.published("mina", body)
    publisher = await store.publishers.get(PUBLISHER)
    async with store.pool.acquire() as connection, connection.transaction():
        await store.publishers.revoke(connection, publisher, public_of("mina"))
        await store.repository.publish(connection)
    city = await client(store, tmp_path / "city", Mirror(await wire_of(store)))
    with pytest.raises(NotFound):
        await city.download(PATH)
    assert json.loads(release.role)["signed"]["version"] == 1


async def test_a_publishers_key_signs_for_no_other_publisher(
    store: Yard, pool: asyncpg.Pool, body: bytes, tmp_path: Path
) -> None:
    await store.published("mina", body)
    other = await store.publisher(await person(pool, "juno"), "juno", "net.other")
    stolen = signed_role(None, PATH, body, signer_of(seed_of("juno")), START)
    async with pool.acquire() as connection, connection.transaction():
        await store.repository.publish(connection, (other.id, 1, stolen))
    wire = await wire_of(store)
    del wire["metadata/1.org.example.json"]
    city = await client(store, tmp_path / "city", Mirror(wire))
    with pytest.raises(NotFound):
        await city.download(PATH)
