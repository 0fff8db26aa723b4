"""A city with a store, a payment provider and people, for tests of its pages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from madang.base.city import CityConfig, PaymentSettings, StoreSettings
from madang.engine.settings import secret
from madang.model.geometry import Box
from madang.people.store.mine import MineDoor
from madang.people.store.publishing import PublishingDoor
from madang.people.store.reviewing import ReviewingDoor
from madang.people.store.shop import ShopDoor
from madang.runtime.manifest import Manifest
from madang.runtime.package import unpack
from madang.store.house import StoreHouse, open_store
from madang.store.money.sandbox import Sandbox
from madang.store.registry.keys import signer_of
from madang.store.registry.publishing import signed_role, target_path
from madang.trust.audit.recorder import Recorder
from tests.browsing import Browser, City, ShiftedClock, forms_of, open_city
from tests.store.making import PUBLISHER, package, public_of, seed_of, signature
from tests.store.shaped import serving

APP = f"{PUBLISHER}.dust"
ACCOUNT = {"name": "Yard City", "account": "999-000-111222", "bank": "HNBNKRSE"}
AREAS = {"harbour": 2.0, "hill": 1.0}


def area_of(place: Box) -> str:
    """The harbour lies west of 127 degrees."""
    return "harbour" if place[0] < 127 else "hill"


@dataclass
class Runtime:
    """Remembers what it was told to run."""

    folder: Path
    running: dict[str, bool] = field(default_factory=dict)
    updated: list[str] = field(default_factory=list)

    async def install(self, source: bytes, grants: None = None, verified: bool = False) -> Manifest:
        manifest = unpack(source, self.folder / f"installed-{len(self.running)}")
        self.running[manifest.id] = False
        return manifest

    async def update(self, source: bytes) -> list[object]:
        """Gives what it newly asks for: commands, here."""
        manifest = unpack(source, self.folder / f"updated-{source[-8:].hex()}-{len(self.updated)}")
        self.updated.append(manifest.version)
        return [scope for scope in manifest.scopes if scope.action == "command"]

    async def enable(self, app_id: str) -> None:
        self.running[app_id] = True

    async def disable(self, app_id: str) -> None:
        self.running[app_id] = False

    async def uninstall(self, app_id: str) -> dict[str, Any]:
        del self.running[app_id]
        return {
            "app": app_id,
            "version": "1.0.0",
            "at": "2026-11-22T09:00:00.000Z",
            "versions": ["1.0.0"],
            "events": 0,
            "exported": None,
        }


@dataclass
class Market:
    """A city with a store and a payment provider."""

    city: City
    store: StoreHouse
    runtime: Runtime
    sandbox: Sandbox

    async def visitor(self, login: str, *roles: str) -> Browser:
        """Somebody signed in, with all their roles."""
        await self.city.person(login, *roles, totp=True)
        browser = self.city.browser()
        await browser.get("/sign-in?next=/store")
        await browser.sign_in(login)
        await browser.submit("/sign-in", code=self.city.code(login))
        return browser

    async def publisher(self, login: str = "mina") -> Browser:
        """Registered, with a key."""
        browser = await self.visitor(login, "citizen")
        await browser.get("/store/publish")
        await browser.submit(
            "/store/publish",
            id=PUBLISHER,
            name="Example Ltd",
            country="KR",
            holder="Example Ltd",
            account="123-456-789012",
            bank="SHBKKRSE",
        )
        await browser.submit(f"/store/publishers/{PUBLISHER}/challenge", public=public_of(login))
        challenge = re.search(r"madang store prove KEYFILE '(.+?)'", browser.page.text)
        assert challenge is not None
        await browser.submit(f"/store/publishers/{PUBLISHER}/key", signature=signature(login, challenge[1]))
        return browser


@asynccontextmanager
async def open_market(pool: asyncpg.Pool, tmp_path: Path, recorder: Recorder) -> AsyncIterator[Market]:
    """Listening on loopback ports that are free."""
    clock, runtime = ShiftedClock(), Runtime(tmp_path)
    key, hook = (secret(tmp_path / "keys" / name) for name in ("payment", "payment-webhook"))
    sandbox = Sandbox(key, "", hook, clock, retries_s=())
    async with serving(sandbox.app) as pay_at:
        settings = StoreSettings(account=ACCOUNT, payments=PaymentSettings("sandbox", pay_at))
        config = CityConfig("yard", {"ko": "마당", "en": "Yard"}, "Asia/Seoul", "", store=settings)
        store = await open_store(pool, tmp_path, config, "", runtime, clock)

        async def offering() -> dict[str, Any]:
            return {
                "dust-alert": [
                    (APP, {"ko": "먼지 알림", "en": "Dust alert"}),
                    ("org.b.dust", {"ko": "먼지", "en": "Dust"}),
                ]
            }

        doors: list[Any] = [partial(door, store=store) for door in (ShopDoor, MineDoor, PublishingDoor)]
        doors.append(partial(ReviewingDoor, store=store, offering=offering, areas=lambda: AREAS, area_of=area_of))
        async with open_city(pool, tmp_path, recorder, clock, further=doors) as city:
            store.checkout._address = city.url.rstrip("/")
            sandbox._webhook = f"{city.url}store/webhook"
            yield Market(city, store, runtime, sandbox)


def files(folder: Path, version: str = "1.0.0", **more: Any) -> tuple[bytes, bytes]:
    """A package and the role that names it."""
    body = package(folder, version, **more)
    role = signed_role(
        None, target_path(PUBLISHER, APP, version), body, signer_of(seed_of("mina")), ShiftedClock().now()
    )
    return body, role


async def upload(browser: Browser, path: str, **parts: bytes) -> Any:
    form = next(one for one in forms_of(browser.page.text) if one.action.startswith(path))
    sent = {name: (name, body, "application/octet-stream") for name, body in parts.items()}
    return await browser._follow(await browser.client.post(form.action, data={"csrf": form.fields["csrf"]}, files=sent))


async def published(market: Market, tmp_path: Path, **more: Any) -> tuple[Browser, Browser]:
    """The publisher and the clerk, after all of it."""
    mina = await market.publisher()
    body, role = files(tmp_path, **more)
    await upload(mina, f"/store/publishers/{PUBLISHER}/submit", package=body, role=role)
    assert "handed in" in mina.page.text, mina.page.text
    (release,) = await market.store.releases.in_states("submitted")
    await market.store.desk.check(release)
    clerk = await market.visitor("clerk", "administrator")
    await clerk.get("/store/review")
    await clerk.get(f"/store/releases/{release.id}")
    await clerk.submit(f"/store/releases/{release.id}/decide", answer="approve", reason="It does what it says")
    assert "published" in clerk.page.text
    return mina, clerk


async def pay(browser: Browser, answer: str = "yes") -> None:
    """On the provider's page."""
    said = {"answer": answer}
    async with (
        aiohttp.ClientSession() as session,
        session.post(browser.left_for, data=said, allow_redirects=False) as page,
    ):
        back = page.headers["location"]
    await browser.get(back.removeprefix(browser.base.rstrip("/")))
