"""All of a city's store, opened together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import structlog

from madang.base.city import CityConfig, StoreSettings
from madang.base.clock import Clock
from madang.base.errors import MadangError
from madang.engine.database import LOST
from madang.engine.sealing import open_seal
from madang.engine.settings import secret
from madang.store import usage
from madang.store.catalogue import Catalogue
from madang.store.choice.choices import Choices
from madang.store.installs import Installs, Runtime
from madang.store.money.billing import Billing, Offer
from madang.store.money.by_sandbox import SandboxProvider
from madang.store.money.by_stripe import StripeProvider
from madang.store.money.by_toss import TossProvider
from madang.store.money.checkout import Checkout
from madang.store.money.orders import Order, Orders
from madang.store.money.payments import Provider
from madang.store.money.settlement import Settlements
from madang.store.publishers import Publishers, TextsOf
from madang.store.ratings.reviews import Reviews
from madang.store.registry.client import HERE, Client, FetchHere
from madang.store.registry.keys import StoreKeys, open_keys
from madang.store.registry.repository import Repository
from madang.store.releases import Releases
from madang.store.review.checks import Scorer
from madang.store.review.desk import ReviewDesk

log = structlog.get_logger()
EVERY_S = 60.0
LOOK_BACK = timedelta(days=2)


@dataclass
class StoreHouse:
    """`city`: the customer that the city is. `key`: raw public key that signs scores and targets."""

    pool: asyncpg.Pool
    clock: Clock
    city: str
    timezone: str
    settings: StoreSettings
    keys: StoreKeys
    publishers: Publishers
    repository: Repository
    releases: Releases
    desk: ReviewDesk
    reviews: Reviews
    catalogue: Catalogue
    installs: Installs
    choices: Choices
    orders: Orders
    checkout: Checkout
    billing: Billing
    settlements: Settlements

    @property
    def key(self) -> bytes:
        return bytes.fromhex(self.keys["targets"].public_key.keyval["public"])

    async def used(self, app: str, customer: str) -> None:
        """Somebody used an app today."""
        today = self.clock.now().astimezone(ZoneInfo(self.timezone)).date()
        await self.installs.used(app, customer, today)

    async def run(self) -> None:
        """For ever: checks what is handed in, and does what time asks for."""
        await asyncio.gather(self.desk.run(), self._keep())

    async def _keep(self) -> None:
        while True:
            for what in (self.repository.refresh, self.checkout.recover, self.billing.run, self._count_days):
                try:
                    await what()
                except (MadangError, asyncpg.PostgresError, *LOST) as error:
                    log.warning("the store has fallen behind", what=what.__name__, error=repr(error))
            await asyncio.sleep(EVERY_S)

    async def _count_days(self) -> None:
        since = self.clock.now() - LOOK_BACK
        await usage.count_days(self.pool, since, self.timezone)
        await self.installs.count_looks(since, self.timezone)


async def open_store(
    pool: asyncpg.Pool,
    run_dir: Path,
    city: CityConfig,
    address: str,
    runtime: Runtime,
    clock: Clock,
    scorer: Scorer | None = None,
    texts_of: TextsOf | None = None,
) -> StoreHouse:
    """`address`: the gateway's own. Raises BadRequest for settings that cannot be."""
    settings, keys = city.store, open_keys(run_dir)
    seal = open_seal(run_dir, "keys/store/challenges")
    publishers, repository, releases = (
        Publishers(pool, seal, clock, texts_of), Repository(pool, keys, clock), Releases(pool, clock)
    )  # fmt: skip
    osv = Path(settings.vulnerabilities) if settings.vulnerabilities else None
    desk = ReviewDesk(releases, publishers, repository, keys, clock, osv, scorer)
    reviews = Reviews(pool, clock)
    orders = Orders(pool, clock, settings.country, city.timezone)
    checkout = Checkout(orders, _provider(settings, run_dir, clock), address)
    billing = Billing(checkout, partial(usage.metered, pool, city.timezone), partial(_offer, releases))
    checkout.paid = partial(_paid, billing, releases)
    fetcher = FetchHere(repository.serve, asyncio.get_running_loop())
    client = Client(run_dir / "store", await repository.found(), HERE, fetcher)
    return StoreHouse(
        pool, clock, f"city:{city.id}", city.timezone, settings, keys, publishers, repository, releases, desk, reviews,
        Catalogue(releases, publishers, reviews), Installs(pool, clock, client.download, runtime), Choices(pool, clock), orders,
        checkout, billing, Settlements(pool, clock, settings.account),
    )  # fmt: skip


def _provider(settings: StoreSettings, run_dir: Path, clock: Clock) -> Provider | None:
    """The one of the settings; its key and webhook secret are `keys/payment` and `keys/payment-webhook` of the run folder."""
    if settings.payments is None:
        return None
    url = settings.payments.url
    key, webhook = (secret(run_dir / "keys" / name) for name in ("payment", "payment-webhook"))
    made: dict[str, Callable[[], Provider]] = {
        "sandbox": lambda: SandboxProvider(url, key, webhook, clock),
        "stripe": lambda: StripeProvider(url, key, webhook, clock),
        "toss": lambda: TossProvider(url, key),
    }
    return made[settings.payments.provider]()


async def _paid(billing: Billing, releases: Releases, connection: Any, order: Order) -> None:
    """A paid subscription begins; one that had no mandate keeps that of the order it was paid by."""
    if order.kind == "subscription" and order.subscription is None:
        price = next(one for one in await releases.of_app(order.app) if one.version == order.version).manifest.price
        await billing.begin(connection, order.id, order.customer, order.app, price, order)
    elif order.subscription is not None and order.mandate:
        await connection.execute(
            "UPDATE store_subscription SET mandate = $2, provider = $3 WHERE id = $1",
            order.subscription, order.mandate, order.provider,
        )  # fmt: skip


async def _offer(releases: Releases, app: str) -> Offer | None:
    found = await releases.latest(app)
    return Offer(found.version, found.publisher, found.manifest.name) if found else None
