"""The store of a running city, wired: its testbed, its doors, its mounts."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

import aiohttp
import asyncpg
from shapely.geometry import Polygon

from madang.base.city import CityConfig
from madang.base.clock import SystemClock
from madang.base.limits import UPSTREAM_TIMEOUT_S, WITNESS_BODY_MAX_BYTES
from madang.cli.sharing import area_of
from madang.engine.outward import networks_of_city, open_session
from madang.engine.settings import Settings, issuer_of
from madang.model.formula import Area
from madang.model.geometry import Box
from madang.people.gateway import Mount
from madang.people.identity.routes import MakeDoor
from madang.people.store.mine import MineDoor
from madang.people.store.packages import PackagesDoor
from madang.people.store.publishing import PublishingDoor
from madang.people.store.reviewing import ReviewingDoor
from madang.people.store.shop import ShopDoor
from madang.people.store.tmf.door import TmfDoor
from madang.runtime.apps import Apps
from madang.store.house import StoreHouse, open_store
from madang.store.testbed.process import Testbed
from madang.trust.audit.recorder import Recorder
from madang.trust.policy.gate import Gate


@dataclass(frozen=True)
class Shop:
    """`doors` of people, `mounts` of others by the first segment of their paths."""

    house: StoreHouse
    doors: list[MakeDoor]
    mounts: dict[str, Mount]


async def open_shop(
    pool: asyncpg.Pool, settings: Settings, city: CityConfig, apps: Apps, gate: Gate, recorder: Recorder
) -> Shop:
    """Raises BadRequest for settings of the store that cannot be."""
    runtime: Any = apps
    house = await open_store(
        pool, settings.run_dir, city, issuer_of(settings), runtime, SystemClock(), _testbed(settings, city), published_texts
    )  # fmt: skip
    doors: list[MakeDoor] = [partial(door, store=house) for door in (ShopDoor, MineDoor, PublishingDoor)]
    doors.append(
        partial(
            ReviewingDoor,
            store=house,
            offering=partial(offering, apps),
            areas=partial(sizes, gate),
            area_of=partial(_area_at, gate),
        )
    )
    return Shop(house, doors, {"tuf": PackagesDoor(house.repository), "tmf-api": TmfDoor(house, recorder)})


def follow(apps: Apps, house: StoreHouse) -> None:
    """An app that the city removes is installed no more, by whichever door it went."""
    left = apps.left

    async def heard(app_id: str) -> None:
        await left(app_id)
        await house.installs.gone(app_id)

    apps.left = heard


def _testbed(settings: Settings, city: CityConfig) -> Testbed | None:
    """None where no simulator is installed."""
    if importlib.util.find_spec("libsumo") is None:
        return None
    return Testbed(settings.city_file, city.store.trial_minutes, tuple(city.store.trial_seeds))


async def published_texts(domain: str) -> list[str]:
    """The lines a publisher's domain says of it; none when it does not answer. Never asked of private networks."""
    address = f"https://{domain}/.well-known/madang-publisher.txt"
    timeout = aiohttp.ClientTimeout(total=UPSTREAM_TIMEOUT_S)
    try:
        async with (
            open_session(networks_of_city(), timeout=timeout) as session,
            session.get(address, allow_redirects=False) as answer,
        ):
            body = await answer.content.read(WITNESS_BODY_MAX_BYTES)
            found = body if answer.status == 200 else b""
    except (aiohttp.ClientError, TimeoutError, OSError):
        return []
    return [line.strip() for line in found.decode(errors="replace").splitlines()]


async def offering(apps: Apps) -> dict[str, list[tuple[str, dict[str, str]]]]:
    """Installed apps, id and name, by the service they offer."""
    found: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for manifest in await apps.manifests():
        if manifest.service:
            found.setdefault(manifest.service, []).append((manifest.id, manifest.name))
    return found


def _area_at(gate: Gate, place: Box) -> str:
    return area_of(gate.ruling.source.areas, place)


def sizes(gate: Gate) -> Mapping[str, float]:
    """The city's areas by name, with how large they are in square degrees: enough to compare them within a city."""
    return {name: _size(area) for name, area in gate.ruling.source.areas.items()}


def _size(area: Area) -> float:
    """Holes are where an even number of rings lie above one another."""
    parts = (Polygon(ring) for ring in area.rings)
    return max(float(reduce(lambda one, other: one.symmetric_difference(other), parts).area), 1e-12)
