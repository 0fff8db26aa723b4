"""The operations centre, wired: its pages in the gateway, its process beside it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from madang.base.city import CityConfig
from madang.base.clock import SystemClock
from madang.bus.connection import connect, tell_every_second
from madang.cli.cities import find_city
from madang.cli.datasets import again_and_again
from madang.cli.roles import open_pool, open_writer, tell_ready, until_told
from madang.context.snapshot import open_snapshot
from madang.engine.database import retrying
from madang.engine.settings import Settings, issuer_of
from madang.model.operations import Replace
from madang.operations.house import OperationsHouse, open_operations
from madang.operations.incidents.intake import Intake
from madang.operations.incidents.showing import Showing
from madang.operations.incidents.watching import Clockwork
from madang.operations.notifying.channels import open_channels
from madang.operations.notifying.sending import Sender
from madang.operations.notifying.telling import Teller
from madang.operations.rules.watch import RuleWatch
from madang.people.identity.routes import MakeDoor
from madang.people.ngsi.broker import Broker
from madang.people.operations.incidents import IncidentsDoor
from madang.people.operations.notifications import NotificationsDoor
from madang.people.operations.report import ReportDoor
from madang.people.operations.rules import RulesPages
from madang.people.operations.shift import ShiftDoor
from madang.people.operations.surroundings import Surroundings

LOOK_S, TIDY_S = 1.0, 3_600.0


@dataclass(frozen=True)
class Centre:
    house: OperationsHouse
    doors: list[MakeDoor]


def house_of(pool: asyncpg.Pool) -> OperationsHouse:
    """With a city's own procedures, where it has some (`MADANG_PROCEDURES`)."""
    folder = os.environ.get("MADANG_PROCEDURES", "")
    return open_operations(pool, SystemClock(), Path(folder) if folder else None)


def open_centre(pool: asyncpg.Pool, broker: Broker, city: CityConfig) -> Centre:
    """The gateway's."""
    house, around = house_of(pool), Surroundings(broker)
    notifications = partial(NotificationsDoor, channels=city.notify.channels)
    doors = [
        partial(door, house=house, around=around, zone=ZoneInfo(city.timezone))
        for door in (IncidentsDoor, ShiftDoor, RulesPages, ReportDoor, notifications)
    ]
    return Centre(house, list(doors))


async def operations(settings: Settings) -> None:
    """The process: Alerts come in, limits pass, entities are shown, people are told; until told to stop."""
    city = find_city(settings.city_file)
    pool = await open_pool(settings, 3)
    writer = open_writer(settings, pool, await retrying(lambda: open_snapshot(pool)))
    house, client = house_of(pool), await connect(settings.bus, "operations")
    intake, clockwork, rules = Intake(house.book), Clockwork(house.book), RuleWatch(house.rules, house.book)
    showing = Showing(house.book, city.id, lambda entity: writer.submit(Replace(entity, create=True)))
    teller = Teller(house.notify, ZoneInfo(city.timezone))
    sender = Sender(house.notify, house.book, open_channels(city.notify, os.environ), issuer_of(settings))
    looked = 0

    async def once() -> bool:
        nonlocal looked
        more = await intake.once()
        await clockwork.once()
        more = await showing.once() or more
        looked += 1
        return more

    async def tidy() -> bool:
        await intake.tidy()
        await teller.tidy()
        return False

    def numbers() -> dict[str, Any]:
        return {"operations_looks": looked}

    await until_told(
        again_and_again(once, "incidents wait", LOOK_S),
        again_and_again(rules.once, "rules wait", LOOK_S),
        again_and_again(teller.once, "telling people waits", LOOK_S),
        again_and_again(sender.once, "messages wait", LOOK_S),
        again_and_again(tidy, "tidying up waits", TIDY_S),
        tell_every_second(client, "operations", numbers),
        tell_ready(settings, "operations", lambda: looked > 0),
        writer.watch(),
    )
    await writer.stop()
