"""Publishers, apps and stores for the tests of the store."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from madang.base.clock import Clock, ManualClock
from madang.engine.sealing import Seal
from madang.runtime.package import pack
from madang.store.publishers import Publisher, Publishers
from madang.store.registry.keys import ROLES, StoreKeys, signer_of
from madang.store.registry.publishing import signed_role, target_path
from madang.store.registry.repository import Repository
from madang.store.releases import Release, Releases
from madang.store.review.checks import Scorer
from madang.store.review.desk import ReviewDesk

START = datetime(2026, 11, 22, 9, tzinfo=UTC)
PUBLISHER = "org.example"
MANIFEST = """
id = "{id}"
version = "{version}"
name = {{ ko = "먼지 알림", en = "Dust alert" }}
summary = {{ ko = "미세먼지가 많으면 알립니다", en = "Tells when there is much fine dust" }}
privacy = {{ ko = "아무것도 남기지 않습니다", en = "Keeps nothing" }}
entry = "dust.app"
licence = "Apache-2.0"
publisher = "{publisher}"
categories = ["air"]
{more}
[[scopes]]
action = "read"
type = "AirQualityObserved"
attributes = ["pm25"]
purpose = {{ ko = "먼지 농도를 봅니다", en = "to see how much dust there is" }}
"""
PRICE = '[price]\nmodel = "{model}"\namount = "{amount}"\ncurrency = "KRW"\nper = "{per}"\n'


def seed_of(name: str) -> bytes:
    """32 bytes that are always the same for a name."""
    return hashlib.sha256(name.encode()).digest()


def public_of(name: str) -> str:
    """The public key of a name's seed, in base64."""
    return base64.b64encode(
        Ed25519PrivateKey.from_private_bytes(seed_of(name)).public_key().public_bytes_raw()
    ).decode()


def signature(name: str, text: str) -> str:
    return base64.b64encode(Ed25519PrivateKey.from_private_bytes(seed_of(name)).sign(text.encode())).decode()


def keys(name: str = "store") -> StoreKeys:
    return StoreKeys({role: signer_of(seed_of(f"{name} {role}")) for role in ROLES})


def app_folder(
    folder: Path,
    app: str = f"{PUBLISHER}.dust",
    version: str = "1.0.0",
    publisher: str = PUBLISHER,
    more: str = "",
    **files: str,
) -> Path:
    """A folder with an app; `files` by name, `__` for a dot and `___` for a slash."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "app.toml").write_text(MANIFEST.format(id=app, version=version, publisher=publisher, more=more), "utf-8")
    (folder / "__init__.py").write_text("")
    (folder / "app.py").write_text("LIMIT = 35\n")
    for name, text in files.items():
        path = folder / name.replace("___", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def package(folder: Path, version: str = "1.0.0", **more: Any) -> bytes:
    return pack(app_folder(folder / f"app-{version}", version=version, **more))


@dataclass
class Yard:
    """A store in a test's database."""

    pool: asyncpg.Pool
    clock: Clock
    keys: StoreKeys
    publishers: Publishers
    repository: Repository
    releases: Releases
    desk: ReviewDesk

    async def publisher(self, owner: str, key: str = "mina", name: str = PUBLISHER) -> Publisher:
        """Registered, with a key that is proved."""
        found = await self.publishers.register(owner, name, "Example", "", "KR", {})
        text = self.publishers.challenge(name, public_of(key))
        await self.publishers.prove(found, public_of(key), signature(key, text))
        return await self.publishers.get(name)

    async def submitted(
        self, owner: str, body: bytes, before: bytes | None = None, key: str = "mina", **named: str
    ) -> Release:
        """Handed in, signed by the key."""
        return await self.desk.submit(owner, body, self.role(body, before, key, **named))

    def role(
        self,
        body: bytes,
        before: bytes | None = None,
        key: str = "mina",
        app: str = f"{PUBLISHER}.dust",
        version: str = "1.0.0",
    ) -> bytes:
        path = target_path(PUBLISHER, app, version)
        return signed_role(before, path, body, signer_of(seed_of(key)), self.clock.now())

    async def published(self, owner: str, body: bytes, before: bytes | None = None, **named: str) -> Release:
        """Handed in, checked and approved by somebody."""
        release = await self.submitted(owner, body, before, **named)
        await self.desk.check(release)
        return await self.desk.approve("reviewer", release.id, "it does what it says")


def yard(
    pool: asyncpg.Pool,
    clock: Clock | None = None,
    osv: Path | None = None,
    scorer: Scorer | None = None,
    signing: StoreKeys | None = None,
) -> Yard:
    clock, signing = clock or ManualClock(START), signing or keys()
    publishers, repository, releases = (
        Publishers(pool, Seal(bytes(32)), clock),
        Repository(pool, signing, clock),
        Releases(pool, clock),
    )
    desk = ReviewDesk(releases, publishers, repository, signing, clock, osv, scorer)
    return Yard(pool, clock, signing, publishers, repository, releases, desk)


async def person(pool: asyncpg.Pool, name: str) -> str:
    """The id of somebody known here."""
    await pool.execute(
        "INSERT INTO person (id, login, name, created_at) VALUES ($1, $1, $1, now()) ON CONFLICT DO NOTHING", name
    )
    return name
