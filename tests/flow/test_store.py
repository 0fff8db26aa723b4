"""The store of `madang up`, as people and other cities meet it: published, reviewed, installed for real, downloaded by TUF over HTTP."""

from __future__ import annotations

import re
import time
from pathlib import Path

import httpx
import pytest

from madang.base.clock import SystemClock
from madang.runtime.package import pack
from madang.store.registry.client import Client
from madang.store.registry.keys import signer_of
from madang.store.registry.publishing import signed_role, target_path
from madang.trust.identity.totp import STEP_S, totp_code
from tests.browsing import PASSWORD, Browser, forms_of
from tests.flow.test_first_administrator import LINK, Up, join, up
from tests.store.making import PUBLISHER, app_folder, public_of, seed_of, signature
from tests.waiting import until

pytestmark = pytest.mark.engine
APP = f"{PUBLISHER}.dust"
STAYS = "import threading\n\nif __name__ == '__main__':\n    threading.Event().wait()\n"
__all__ = ["up"]


async def with_second_step(browser: Browser) -> None:
    """Sets up the authenticator app that the page offers after joining."""
    key = re.search(r'id="secret">([A-Z2-7 ]+)<', browser.page.text)
    assert key is not None
    await browser.submit("/account/totp", code=totp_code(key[1].replace(" ", ""), int(time.time()) // STEP_S))


async def test_an_app_goes_from_its_publisher_into_the_running_city(up: Up, tmp_path: Path) -> None:
    await until(lambda: up.link() or up.process.returncode is not None, "a link", 90)
    found = up.link()
    assert found is not None, up.log.read_text(errors="replace")[-2000:]
    url, path = found.groups()
    clerk = await join(url, path, "clerk")
    await with_second_step(clerk)
    again = LINK.search((await up.invite())[1])
    assert again is not None
    mina = await join(url, again[2], "mina")

    await mina.get("/store/publish")
    await mina.submit("/store/publish", id=PUBLISHER, name="Example", country="KR")
    await mina.submit(f"/store/publishers/{PUBLISHER}/challenge", public=public_of("mina"))
    challenge = re.search(r"KEYFILE '(.+?)'", mina.page.text)
    assert challenge is not None
    await mina.submit(f"/store/publishers/{PUBLISHER}/key", signature=signature("mina", challenge[1]))
    package = pack(app_folder(tmp_path / "dust", app__py=STAYS))
    name = target_path(PUBLISHER, APP, "1.0.0")
    role = signed_role(None, name, package, signer_of(seed_of("mina")), SystemClock().now())
    form = next(one for one in forms_of(mina.page.text) if one.action.endswith("/submit"))
    sent = {"package": ("p", package), "role": ("r", role)}
    await mina._follow(await mina.client.post(form.action, data={"csrf": form.fields["csrf"]}, files=sent))
    release = str(mina.page.url).rpartition("/")[2]
    with httpx.Client(base_url=url, cookies=clerk.client.cookies, trust_env=False) as looking:
        await until(
            lambda: "waits for review" in looking.get(f"/store/releases/{release}?lang=en").text, "the checks", 60
        )

    await clerk.get(f"/store/releases/{release}")
    await clerk.submit(f"/store/releases/{release}/decide", answer="approve", reason="fine")
    await clerk.get(f"/store/apps/{APP}")
    await clerk.submit(f"/store/apps/{APP}/install", customer="city:yard")
    apps = {one["id"]: one["state"] for one in (await clerk.client.get("/madang/v1/apps")).json()}
    assert apps.get(APP) in ("running", "starting"), clerk.page.text

    root = (await clerk.client.get("/tuf/metadata/1.root.json")).content
    assert await Client(tmp_path / "elsewhere", root, f"{url}tuf").download(name) == package

    assert (await clerk.client.delete(f"/madang/v1/apps/{APP}")).status_code == 200
    assert "None yet." in (await clerk.get("/store/mine")).text
    await clerk.get(f"/store/apps/{APP}")
    await clerk.submit(f"/store/apps/{APP}/install", customer="city:yard")
    await clerk.get("/store/mine")
    await clerk.submit(f"/store/apps/{APP}/remove", customer="city:yard")
    assert "Receipt" in clerk.page.text
    assert APP not in {one["id"] for one in (await clerk.client.get("/madang/v1/apps")).json()}
    assert PASSWORD not in up.log.read_text(errors="replace")
