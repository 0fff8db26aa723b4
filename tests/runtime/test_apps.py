"""The life of an app, from its package to its receipt, without its process."""

from __future__ import annotations

import asyncio
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from madang.base.errors import BadRequest, Conflict, Forbidden, NotFound, Unavailable
from madang.base.limits import APP_EVENTS_MAX, APP_VERSIONS_MAX
from madang.runtime.apps import Apps
from madang.runtime.manifest import Scope
from madang.runtime.package import pack, sha256
from madang.runtime.records import Event, Records
from madang.runtime.sandbox import floor_of
from madang.runtime.soundness import WASM_MAGIC
from madang.trust.policy.subjects import Grant
from tests.runtime.packages import MANIFEST, app_folder

pytestmark = pytest.mark.engine
ID = "org.example.quiet"
WHY = {"ko": "나무를 봅니다", "en": "look at trees"}
TREE, BENCH = Scope("read", WHY, "Tree"), Scope("read", WHY, "Bench")
MORE = MANIFEST.replace('type = "Tree"', 'type = "Bench"').partition("[[scopes]]")[2]


class Ticking:
    """A clock that is a second later each time."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 22, tzinfo=UTC)

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


class Supervisor:
    """What it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    async def ask(self, request: dict[str, Any]) -> Any:
        self.asked.append(request)
        return {"level": 3, "used": {}, "events": [], "epoch": ""}


@pytest.fixture
def supervisor() -> Supervisor:
    return Supervisor()


@pytest.fixture
def apps(pool: asyncpg.Pool, supervisor: Supervisor, tmp_path: Path) -> Apps:
    return Apps(pool, supervisor.ask, tmp_path / "door", tmp_path / "apps", clock=Ticking())


def package(tmp_path: Path, version: str = "1.0", more: str = "", **files: str) -> bytes:
    manifest = MANIFEST.replace('version = "1.0"', f'version = "{version}"') + more
    return pack(app_folder(tmp_path / f"of-{version}", manifest, **files))


async def token_of(apps: Apps, supervisor: Supervisor) -> str:
    await apps.enable(ID)
    return str(supervisor.asked[-1]["order"]["env"]["MADANG_APP_TOKEN"])


async def test_a_package_is_put_in_its_place_and_asks_for_what_it_says(apps: Apps, tmp_path: Path) -> None:
    data = package(tmp_path)
    manifest = await apps.install(data)
    found, (version,) = await apps.find(ID), await apps.versions(ID)
    folder = tmp_path / "apps" / ".versions" / ID / "1.0"
    assert (found.manifest, found.grants, found.wanted, found.waiting) == (manifest, [TREE], False, None)
    assert (version.version, version.folder, version.sha256, version.python) == ("1.0", str(folder), sha256(data), "")
    assert oct((folder / "main.py").stat().st_mode) == "0o100644"


async def test_what_is_installed_is_not_installed_again(apps: Apps, tmp_path: Path) -> None:
    await apps.install(package(tmp_path))
    with pytest.raises(Conflict, match="installed already"):
        await apps.install(package(tmp_path, main__py="print('another')"))
    (version,) = await apps.versions(ID)
    assert (Path(version.folder) / "main.py").read_text() == ""
    assert [path.name for path in (tmp_path / "apps" / ".versions").iterdir()] == [".new", ID]
    assert list((tmp_path / "apps" / ".versions" / ".new").iterdir()) == []


async def test_two_at_once_are_one(apps: Apps, tmp_path: Path) -> None:
    data = package(tmp_path)
    done = await asyncio.gather(apps.install(data), apps.install(data), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["Conflict", "Manifest"]
    assert Path((await apps.find(ID)).folder).is_dir()


async def test_less_may_be_granted_than_is_asked_for_and_no_more(apps: Apps, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="did not ask to read Bench"):
        await apps.install(package(tmp_path), [BENCH])
    await apps.install(package(tmp_path), [])
    assert await apps.grants_of(ID) == ()


async def test_grants_change_while_it_runs(apps: Apps, supervisor: Supervisor, tmp_path: Path) -> None:
    await apps.install(package(tmp_path))
    token = await token_of(apps, supervisor)

    async def grants() -> tuple[Grant, ...] | None:
        claim = await apps.claim(token)
        return None if claim is None else claim.grants

    assert await grants() == (Grant("read", "Tree"),)
    await apps.narrow(ID, "read", "Tree", ["height"])
    assert await grants() == (Grant("read", "Tree", frozenset({"height"})),)
    await apps.revoke(ID, "read", "Tree")
    assert await grants() == ()
    with pytest.raises(BadRequest, match="did not ask to read Bench"):
        await apps.grant(ID, BENCH)
    await apps.grant(ID, TREE)
    assert await grants() == (Grant("read", "Tree"),)
    await apps.disable(ID)
    assert await grants() is None


async def test_an_update_that_asks_for_no_more_is_in_use_at_once(
    apps: Apps, supervisor: Supervisor, tmp_path: Path
) -> None:
    await apps.install(package(tmp_path))
    first = await token_of(apps, supervisor)
    await apps.narrow(ID, "read", "Tree", ["height"])
    assert await apps.update(package(tmp_path, "1.1")) == []
    found = await apps.find(ID)
    assert (found.version, found.grants) == ("1.1", [Scope("read", WHY, "Tree", attributes=["height"])])
    assert supervisor.asked[-1]["order"]["folder"].endswith("/1.1")
    assert await apps.claim(first) is None


async def test_an_update_that_asks_for_more_waits(apps: Apps, supervisor: Supervisor, tmp_path: Path) -> None:
    await apps.install(package(tmp_path))
    await apps.enable(ID)
    more = f"[[scopes]]{MORE}"
    assert await apps.update(package(tmp_path, "2.0", more)) == [BENCH]
    waiting = await apps.find(ID)
    assert (waiting.version, waiting.waiting, waiting.grants) == ("1.0", "2.0", [TREE])
    assert len(supervisor.asked) == 1
    await apps.accept(ID)
    found = await apps.find(ID)
    assert (found.version, found.waiting, found.grants) == ("2.0", None, [TREE, BENCH])
    with pytest.raises(NotFound, match="no update"):
        await apps.accept(ID)


async def test_an_update_may_be_declined_and_offered_again(apps: Apps, tmp_path: Path) -> None:
    await apps.install(package(tmp_path))
    data = package(tmp_path, "2.0", f"[[scopes]]{MORE}")
    await apps.update(data)
    with pytest.raises(Conflict, match="is there already"):
        await apps.update(data)
    await apps.decline(ID)
    assert [one.version for one in await apps.versions(ID)] == ["1.0"]
    assert not (tmp_path / "apps" / ".versions" / ID / "2.0").exists()
    assert await apps.update(data) == [BENCH]


async def test_back_to_the_version_before_with_no_more_than_now(apps: Apps, tmp_path: Path) -> None:
    await apps.install(package(tmp_path))
    with pytest.raises(NotFound, match="no version before"):
        await apps.rollback(ID)
    await apps.update(package(tmp_path, "2.0", f"[[scopes]]{MORE}"))
    await apps.accept(ID)
    await apps.revoke(ID, "read", "Tree")
    assert await apps.rollback(ID) == "1.0"
    found = await apps.find(ID)
    assert (found.version, found.grants) == ("1.0", [])


async def test_old_versions_go(apps: Apps, tmp_path: Path) -> None:
    await apps.install(package(tmp_path))
    for minor in range(1, APP_VERSIONS_MAX + 2):
        await apps.update(package(tmp_path, f"1.{minor}"))
    kept = [f"1.{minor}" for minor in range(APP_VERSIONS_MAX + 1, 1, -1)]
    assert [one.version for one in await apps.versions(ID)] == kept
    assert sorted(path.name for path in (tmp_path / "apps" / ".versions" / ID).iterdir()) == sorted(kept)


async def test_who_goes_hands_over_what_it_wrote_and_leaves_nothing(
    apps: Apps, supervisor: Supervisor, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    told: list[str] = []

    async def leaving(app_id: str) -> None:
        told.append(f"leaving {app_id}")

    async def left(app_id: str) -> None:
        told.append(f"left {app_id}")

    apps.leaving, apps.left = leaving, left
    await apps.install(package(tmp_path))
    await apps.enable(ID)
    data = tmp_path / "apps" / ID
    (data / "notes").mkdir()
    (data / "notes" / "one.txt").write_text("eins")
    (data / "passwd").symlink_to("/etc/passwd")
    await Records(pool).happened([Event(ID, datetime(2026, 11, 22, tzinfo=UTC), "crashed", "1")])
    receipt = await apps.uninstall(ID)
    (export,) = (tmp_path / "apps" / ".exports").iterdir()
    assert receipt == {
        "app": ID,
        "version": "1.0",
        "at": "2026-11-22T00:00:02.000Z",
        "versions": ["1.0"],
        "events": 1,
        "cleared": {},
        "exported": {"file": export.name, "sha256": sha256(export.read_bytes()), "files": 1, "bytes": 4},
    }
    assert zipfile.ZipFile(export).namelist() == ["notes/one.txt"]
    assert told == [f"leaving {ID}", f"left {ID}"]
    assert [one["op"] for one in supervisor.asked] == ["start", "stop", "remove"]
    assert sorted(path.name for path in (tmp_path / "apps").rglob("*") if ID in str(path)) == [export.name]
    with pytest.raises(NotFound):
        await apps.find(ID)


async def test_an_unknown_publisher_is_refused_below_the_floor(pool: asyncpg.Pool, tmp_path: Path) -> None:
    async def ask(request: dict[str, Any]) -> Any:
        return None

    apps = Apps(pool, ask, tmp_path / "door", tmp_path / "apps", floor=3)
    apps.running.level = 2
    with pytest.raises(Forbidden, match="need a sandbox of level 3, this machine has 2"):
        await apps.install(package(tmp_path))
    await apps.install(package(tmp_path), verified=True)
    await apps.enable(ID)
    assert (await apps.find(ID)).wanted


async def test_a_module_of_an_unknown_publisher_needs_no_walls_of_the_kernel(
    pool: asyncpg.Pool, tmp_path: Path
) -> None:
    async def ask(request: dict[str, Any]) -> Any:
        return None

    apps = Apps(pool, ask, tmp_path / "door", tmp_path / "apps", floor=3)
    apps.running.level = 0
    folder = app_folder(tmp_path / "wasm", MANIFEST.replace("quiet.main", "quiet.wasm"))
    (folder / "quiet.wasm").write_bytes(WASM_MAGIC)
    await apps.install(folder)
    await apps.enable(ID)
    assert apps.rating(await apps.find(ID)).reasons == (("broad", 1), ("unverified", 1))


@pytest.mark.parametrize(("text", "floor"), [("", 0), ("0", 0), ("3", 3)])
def test_the_floor_is_a_level(text: str, floor: int) -> None:
    assert floor_of(text) == floor


def test_another_floor_is_refused() -> None:
    with pytest.raises(BadRequest, match="MADANG_APP_FLOOR"):
        floor_of("high")


async def test_without_a_supervisor_nothing_is_started(pool: asyncpg.Pool, tmp_path: Path) -> None:
    async def nobody(request: dict[str, Any]) -> None:
        raise OSError("nobody there")

    apps = Apps(pool, nobody, tmp_path / "door", tmp_path / "apps")
    await apps.install(package(tmp_path))
    with pytest.raises(Unavailable, match="does not answer"):
        await apps.enable(ID)


async def test_of_what_happened_the_last_is_kept(apps: Apps, pool: asyncpg.Pool, tmp_path: Path) -> None:
    await apps.install(package(tmp_path))
    records, at = Records(pool), datetime(2026, 11, 22, tzinfo=UTC)
    events = [Event(ID, at, "refused", f"{number}") for number in range(APP_EVENTS_MAX + 20)]
    await records.happened([*events, Event("org.example.unknown", at, "refused", "x")])
    assert await records.events(ID, 1_000) == events[: -APP_EVENTS_MAX - 1 : -1]
    assert await records.events("org.example.unknown", 10) == []
