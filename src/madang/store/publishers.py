"""Publishers: who answers for apps, and with which keys. A key counts once its owner has signed a challenge with it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from madang.base.clock import Clock
from madang.base.errors import BadRequest, Conflict, Forbidden, NotFound
from madang.base.limits import STORE_KEYS_MAX, STORE_PUBLISHERS_MAX
from madang.engine.sealing import Seal
from madang.store.accounts import checked_account
from madang.store.registry.keys import is_signed, read_public

PUBLISHER_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}(\.[a-z0-9][a-z0-9-]{0,62}){1,6}\Z")
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
TextsOf = Callable[[str], Awaitable[list[str]]]


@dataclass(frozen=True)
class Publisher:
    """`account`: where it is paid, as `accounts.py` has it. `keys`: raw public keys in force."""

    id: str
    owner: str
    name: str
    website: str
    country: str
    account: dict[str, str]
    domain_proved_at: datetime | None
    keys: tuple[bytes, ...] = ()

    @property
    def domain(self) -> str:
        """The domain name its id is the reverse of."""
        return ".".join(reversed(self.id.split(".")))


class Publishers:
    """`seal` makes challenges that need no table; `texts_of` reads the TXT records of a domain, where the city can."""

    def __init__(self, pool: asyncpg.Pool, seal: Seal, clock: Clock, texts_of: TextsOf | None = None) -> None:
        self._pool, self._seal, self._clock, self._texts_of = pool, seal, clock, texts_of

    async def register(
        self, owner: str, publisher: str, name: str, website: str, country: str, account: dict[str, str]
    ) -> Publisher:
        """Raises BadRequest, Conflict when the id, one above or one below it, belongs to somebody else."""
        if not PUBLISHER_ID.match(publisher):
            raise BadRequest("a publisher's id is a reverse domain name such as org.example", reason="publisher_form")
        if not name.strip() or len(name) > 200 or len(website) > 500 or not _COUNTRY.match(country):
            raise BadRequest("a name, and a country by its two letters", reason="publisher_fields")
        if website and not website.startswith("https://"):
            raise BadRequest("a website begins with https://", reason="publisher_fields")
        account = checked_account(account)
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE store_publisher IN SHARE ROW EXCLUSIVE MODE")
            await self._check_free(connection, owner, publisher)
            await connection.execute(
                "INSERT INTO store_publisher (id, owner, name, website, country, account, created_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                publisher, owner, name.strip(), website, country, account, self._clock.now(),
            )  # fmt: skip
        return await self.get(publisher)

    async def _check_free(self, connection: Any, owner: str, publisher: str) -> None:
        rows = await connection.fetch("SELECT id, owner FROM store_publisher")
        if sum(row["owner"] == owner for row in rows) >= STORE_PUBLISHERS_MAX:
            raise BadRequest(f"one account has at most {STORE_PUBLISHERS_MAX} publishers", reason="publisher_many")
        taken = [
            row["id"]
            for row in rows
            if row["id"] == publisher or (row["owner"] != owner and _within(row["id"], publisher))
        ]
        if taken:
            raise Conflict(f"{taken[0]} is taken", reason="publisher_taken")

    async def get(self, publisher: str) -> Publisher:
        """Raises NotFound."""
        found = await self._find("p.id = $1", publisher)
        if not found:
            raise NotFound(f"no publisher {publisher[:200]}")
        return found[0]

    async def of(self, owner: str) -> list[Publisher]:
        """Those of one person."""
        return await self._find("p.owner = $1", owner)

    async def owned(self, owner: str, publisher: str) -> Publisher:
        """Raises NotFound, Forbidden for one of somebody else."""
        found = await self.get(publisher)
        if found.owner != owner:
            raise Forbidden(f"{publisher} is not yours", reason="publisher_other")
        return found

    async def _find(self, which: str, value: str) -> list[Publisher]:
        rows = await self._pool.fetch(
            "SELECT p.*, ARRAY(SELECT k.public FROM store_key k WHERE k.publisher = p.id AND k.revoked_at IS NULL"
            f" ORDER BY k.proved_at) AS keys FROM store_publisher p WHERE {which} ORDER BY p.id",
            value,
        )
        names = ("id", "owner", "name", "website", "country", "account", "domain_proved_at")
        return [Publisher(**{name: row[name] for name in names}, keys=tuple(row["keys"])) for row in rows]

    def challenge(self, publisher: str, public: str) -> str:
        """What is signed to prove that one has a key: good on the day it was made and the next."""
        return self._challenge(publisher, read_public(public), self._clock.now().toordinal())

    def _challenge(self, publisher: str, public: bytes, day: int) -> str:
        return f"madang store key {publisher} {day} {self._seal.sign(f'store-key:{publisher}:{public.hex()}:{day}')}"

    async def prove(self, publisher: Publisher, public: str, signature: str) -> None:
        """The key counts from now on. Raises BadRequest."""
        raw, today = read_public(public), self._clock.now().toordinal()
        asked = [self._challenge(publisher.id, raw, day) for day in (today, today - 1)]
        if not any(is_signed(raw, signature, text) for text in asked):
            raise BadRequest("the signature is not that of this key over this challenge", reason="key_unproved")
        if len(publisher.keys) >= STORE_KEYS_MAX:
            raise BadRequest(f"a publisher has at most {STORE_KEYS_MAX} keys", reason="key_many")
        done = await self._pool.execute(
            "INSERT INTO store_key (publisher, public, proved_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            publisher.id, raw, self._clock.now(),
        )  # fmt: skip
        if done == "INSERT 0 0":
            raise Conflict("this key was used before: make another", reason="key_used")

    async def revoke(self, connection: Any, publisher: Publisher, public: str) -> None:
        """It signs for nothing any more; what it alone signed is not found until it is signed anew. Raises NotFound."""
        done = await connection.execute(
            "UPDATE store_key SET revoked_at = $3 WHERE publisher = $1 AND public = $2 AND revoked_at IS NULL",
            publisher.id, read_public(public), self._clock.now(),
        )  # fmt: skip
        if done == "UPDATE 0":
            raise NotFound("no such key")

    def domain_text(self, publisher: Publisher) -> str:
        """What a TXT record of the publisher's domain must say."""
        return f"madang-publisher={self._seal.sign(f'store-domain:{publisher.id}:{publisher.owner}')[:40]}"

    async def prove_domain(self, publisher: Publisher) -> None:
        """Looks for the record. Raises BadRequest."""
        found = await self._texts_of(publisher.domain) if self._texts_of is not None else []
        if self.domain_text(publisher) not in found:
            raise BadRequest(f"no such TXT record at {publisher.domain}", reason="domain_unproved")
        await self._pool.execute(
            "UPDATE store_publisher SET domain_proved_at = $2 WHERE id = $1", publisher.id, self._clock.now()
        )


def owns(publisher: str, app: str) -> bool:
    """Whether an app's id is the publisher's to give."""
    return app.startswith(f"{publisher}.")


def _within(one: str, other: str) -> bool:
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")
