"""A grant that changes while a socket is open counts there within about a second; so does the end of a token."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.callers import GATE
from tests.people.test_live import Client
from tests.runtime.packages import MANIFEST, app_folder
from tests.waiting import until

from madang.base.errors import Unauthorized
from madang.cli.policing import by_token
from madang.model.entity import Entity
from madang.model.operations import Create
from madang.people.live import Live
from madang.people.ngsi.broker import Broker
from madang.runtime.apps import Apps
from madang.runtime.manifest import Scope
from madang.trust.caller import NOBODY, Caller

pytestmark = pytest.mark.engine
ID = "org.example.quiet"
WHY = {"ko": "나무를 봅니다", "en": "look at trees"}
SOON_S = 2.0  # a second, and a slow machine


class AppClient(Client):
    """A socket that was opened with an app's token."""

    def __init__(self, live: Live, apps: Apps, token: str) -> None:
        self.find, self.token = by_token(GATE, apps), token
        super().__init__(live, NOBODY)

    async def _again(self) -> Caller:
        found = await self.find(self.token)
        if found is None:
            raise Unauthorized("this token opens nothing here")
        return found


async def test_what_is_narrowed_revoked_and_given_back_shows_on_an_open_socket(
    pool: asyncpg.Pool, broker: Broker, tmp_path: Path
) -> None:
    asked: list[dict[str, Any]] = []

    async def ask(request: dict[str, Any]) -> None:
        asked.append(request)

    numbers = {name: {"type": "Property", "value": 1} for name in ("height", "age")}
    await broker.writer.submit(Create(Entity("urn:t:1", ["Tree"], numbers)))
    apps = Apps(pool, ask, tmp_path / "door", tmp_path / "apps")
    await apps.install(app_folder(tmp_path / "quiet", MANIFEST))
    await apps.enable(ID)
    token = str(asked[0]["order"]["env"]["MADANG_APP_TOKEN"])
    client = AppClient(Live(broker, lambda: {"components": {}}), apps, token).subscribe(types=["Tree"])

    async def shows(*names: str) -> None:
        began = time.monotonic()
        wanted = {"urn:t:1": {"id": "urn:t:1", "type": "Tree", **dict.fromkeys(names, 1)}} if names else {}
        await until(lambda: client.entities == wanted, f"the socket shows {names}")
        assert time.monotonic() - began < SOON_S

    await until(lambda: client.complete, "the present")
    await shows("height", "age")
    await apps.narrow(ID, "read", "Tree", ["height"])
    await shows("height")
    await apps.grant(ID, Scope("read", WHY, "Tree"))
    await shows("height", "age")
    await apps.revoke(ID, "read", "Tree")
    await shows()
    await until(lambda: client.errors, "why it shows nothing")  # told after what it shows
    assert [error["status"] for error in client.errors] == [403]
    await apps.disable(ID)
    await until(lambda: client.closed, "the socket ends with its token")
    assert client.closed["code"] == 4401
