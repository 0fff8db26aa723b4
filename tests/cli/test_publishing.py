"""What a publisher does at home: the files that the store takes, made by the commands; and the sandbox provider as a process."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import sys
from pathlib import Path

import asyncpg
import httpx
import pytest
from tests.store.making import PUBLISHER, app_folder, person, yard
from tests.waiting import until

from madang.base.clock import SystemClock
from madang.cli.main import main
from madang.engine.settings import free_port, secret
from madang.store.money.by_sandbox import SandboxProvider
from madang.store.money.payments import Wanted


def told(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert main(["store", *argv]) == 0
    return capsys.readouterr().out.strip()


@pytest.mark.engine
async def test_what_the_commands_make_the_store_takes(
    pool: asyncpg.Pool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = yard(pool, SystemClock())
    await store.repository.found()
    mina = await store.publishers.register(await person(pool, "mina"), PUBLISHER, "Example", "", "KR", {})
    key, folder = str(tmp_path / "mine.key"), tmp_path / "app"
    public = told(capsys, "key", key)
    assert (public, oct((tmp_path / "mine.key").stat().st_mode)[-3:]) == (told(capsys, "key", key), "600")
    challenge = store.publishers.challenge(PUBLISHER, public)
    await store.publishers.prove(mina, public, told(capsys, "prove", key, challenge))
    before: list[str] = []
    for version in ("1.0.0", "1.1.0"):
        app_folder(folder, version=version)
        made = told(capsys, "sign", str(folder), "--key", key, "--out", str(tmp_path), *before).splitlines()
        package, role = (Path(one) for one in made)
        assert (package.name, role.name) == (f"{PUBLISHER}.dust-{version}.madang", f"{PUBLISHER}.json")
        release = await store.desk.submit("mina", package.read_bytes(), role.read_bytes())
        await store.desk.check(release)
        assert (await store.desk.approve("reviewer", release.id, "fine")).state == "published"
        before = ["--role", str(role)]


def test_a_key_that_is_none_is_told_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.key").write_text("no key")
    assert [main(["store", "prove", str(tmp_path / name), "x"]) for name in ("bad.key", "none.key")] == [1, 1]
    assert capsys.readouterr().err.count("madang: ") == 2


async def test_the_sandbox_runs_as_a_process_of_its_own(tmp_path: Path) -> None:
    port = free_port()
    argv = ["-m", "madang", "store", "payments", f"{tmp_path}/", "--port", str(port), "--city", "http://127.0.0.1:9"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *argv, stdout=asyncio.subprocess.PIPE, env=dict(os.environ)
    )
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 20)
    key, hook = (secret(tmp_path / "keys" / name) for name in ("payment", "payment-webhook"))
    provider = SandboxProvider(f"http://127.0.0.1:{port}", key, hook, SystemClock())
    await until(lambda: listens(port), "the provider", 20)
    begun = await provider.begin(Wanted("o1", 9_900, "KRW", "Dust alert", "http://127.0.0.1:9/back"))
    process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(process.wait(), 10)
    address = f"http://127.0.0.1:{port}"
    assert (line.decode().split(",")[0], begun.address.startswith(f"{address}/pay/")) == (
        f"payments at {address}",
        True,
    )
    assert len(base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))) >= 24


async def listens(port: int) -> bool:
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            return (await client.get(f"http://127.0.0.1:{port}/pay/none")).status_code == 404
        except httpx.ConnectError:
            return False
