"""`madang up` as people start it: one link for the first administrator, on the terminal and nowhere else."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from madang.engine.temporary import scratch
from tests.browsing import PASSWORD, Browser
from tests.waiting import until

pytestmark = pytest.mark.engine
YARD = str(Path(__file__).resolve().parents[1] / "fixtures" / "yard.toml")
LINK = re.compile(r"(http://localhost:\d+/)(join/\S+)")


@dataclass
class Up:
    env: dict[str, str]
    log: Path
    process: asyncio.subprocess.Process

    def link(self) -> re.Match[str] | None:
        return LINK.search(self.log.read_text(errors="replace"))

    async def invite(self) -> tuple[int | None, str]:
        argv = [sys.executable, "-m", "madang", "invite", "yard"]
        process = await asyncio.create_subprocess_exec(*argv, env=self.env, stdout=asyncio.subprocess.PIPE)
        out, _ = await process.communicate()
        return process.returncode, out.decode()


@pytest.fixture
async def up() -> AsyncIterator[Up]:
    folder = scratch("madang-up-")
    env, log = {**os.environ, "MADANG_HOME": str(folder.path)}, folder.path / "words"
    with log.open("wb") as words:
        argv = [sys.executable, "-m", "madang", "up", YARD]
        process = await asyncio.create_subprocess_exec(*argv, env=env, stderr=words, start_new_session=True)
        yield Up(env, log, process)
        process.terminate()
        await asyncio.wait_for(process.wait(), 60)
    folder.remove()


async def join(url: str, path: str, login: str) -> Browser:
    browser = Browser(url)
    await browser.get(f"/{path}")
    await browser.submit("", login=login, name=login.title(), password=PASSWORD)
    return browser


async def test_the_first_link_makes_an_administrator_and_the_machine_gives_more(up: Up) -> None:
    await until(lambda: up.link() or up.process.returncode is not None, "a link", 90)
    found = up.link()
    assert found is not None, up.log.read_text(errors="replace")[-2000:]
    url, path = found.groups()
    mina = await join(url, path, "mina")
    assert str(mina.page.url) == f"{url}account/totp"
    assert (await Browser(url).get(f"/{path}")).status_code == 404
    status, printed = await up.invite()
    again = LINK.search(printed)
    assert (status, again is not None) == (0, True)
    jiho = await join(url, again[2] if again else "", "jiho")
    assert str(jiho.page.url) == f"{url}account/totp"
    # One factor: known, and no more than a reader.
    assert (await jiho.client.get("/madang/v1/audit")).status_code == 403
    assert (await jiho.client.get("/madang/v1/status")).status_code == 200
