"""Migrations, locks, ports, and the doctor."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from madang.base.errors import Unavailable
from madang.cli.doctor import doctor
from madang.engine import database
from madang.engine.settings import InstanceLock, free_run_dir, listen_on, secret


@pytest.fixture
async def empty(server_dsn: str) -> str:
    connection = await asyncpg.connect(server_dsn, database="postgres")
    await connection.execute("DROP DATABASE IF EXISTS madang_engine_test WITH (FORCE)")
    await connection.execute("CREATE DATABASE madang_engine_test")
    await connection.close()
    return urlsplit(server_dsn)._replace(path="/madang_engine_test").geturl()


async def test_migrations_are_done_once_however_many_start(empty: str) -> None:
    steps = len(database.migrations())
    assert sorted(await asyncio.gather(*(database.migrate(empty) for _ in range(4)))) == [0, 0, 0, steps]


async def test_a_newer_schema_is_refused(empty: str) -> None:
    await database.migrate(empty)
    connection = await asyncpg.connect(empty)
    await connection.execute("INSERT INTO schema_version VALUES (9999, 'from the future')")
    await connection.close()
    with pytest.raises(Unavailable, match="newer Madang"):
        await database.migrate(empty)


def test_a_folder_is_held_by_one(tmp_path: Path) -> None:
    first = free_run_dir(tmp_path, "demo")
    second = free_run_dir(tmp_path, "demo")
    assert (first.run_dir.name, second.run_dir.name) == ("demo", "demo-2")
    with pytest.raises(Unavailable, match="in use by another madang"):
        InstanceLock(first.run_dir).acquire()
    first.release()
    InstanceLock(first.run_dir).acquire()


def test_a_port_is_held_by_one() -> None:
    with listen_on("127.0.0.1", None) as held, pytest.raises(OSError, match="in use"):
        listen_on("127.0.0.1", held.getsockname()[1])


def test_a_secret_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "x"
    first = secret(path)
    assert (secret(path), path.stat().st_mode & 0o777, len(first) >= 32) == (first, 0o600, True)


async def test_the_doctor_finds_nothing_wrong_here(
    capsys: pytest.CaptureFixture[str], run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADANG_HOME", str(run_dir / "home"))
    (run_dir / "home").mkdir(mode=0o711, exist_ok=True)
    status = await doctor()
    lines = capsys.readouterr().out.splitlines()
    told = {line.split()[1]: line.split()[0] for line in lines[:-1]}
    parts = ("Python", "disk", "home", "cities", "database", "bus", "simulator", "sandbox")
    assert {name: told[name] for name in parts} == dict.fromkeys(parts, "ok")
    assert status == (0 if told["page"] == "ok" else 1)


async def test_the_doctor_says_what_to_do_about_a_closed_home(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADANG_HOME", str(tmp_path / "closed"))
    monkeypatch.setenv("MADANG_DATABASE", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("MADANG_BUS", "nats://127.0.0.1:1")
    assert await doctor() == 1
    assert "BAD  database" in capsys.readouterr().out
