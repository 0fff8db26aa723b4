"""An operations centre with its pages, and people on duty."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
from tests.browsing import Browser, City, ShiftedClock, open_city

from madang.operations.house import OperationsHouse, open_operations
from madang.operations.notifying.nouns import CHANNELS
from madang.people.ngsi.broker import Broker
from madang.people.operations.incidents import IncidentsDoor
from madang.people.operations.notifications import NotificationsDoor
from madang.people.operations.report import ReportDoor
from madang.people.operations.rules import RulesPages
from madang.people.operations.shift import ShiftDoor
from madang.people.operations.surroundings import Surroundings
from madang.trust.audit.recorder import Recorder

SEOUL = ZoneInfo("Asia/Seoul")


@dataclass
class Centre:
    city: City
    house: OperationsHouse
    clock: ShiftedClock

    async def signed_in(self, login: str, *roles: str) -> Browser:
        await self.city.person(login, *roles, totp=True)
        browser = self.city.browser()
        await browser.get("/sign-in")
        await browser.sign_in(login)
        await browser.submit("/sign-in/code", code=self.city.code(login))
        return browser

    async def who(self, login: str) -> str:
        person = await self.city.identity.people.by_login(login)
        assert person is not None
        return f"person:{person.id}"


@asynccontextmanager
async def open_centre(pool: asyncpg.Pool, folder: Path, recorder: Recorder, broker: Broker) -> AsyncIterator[Centre]:
    clock = ShiftedClock()
    house, around = open_operations(pool, clock), Surroundings(broker)
    notifications = partial(NotificationsDoor, channels=CHANNELS)
    doors: list[Any] = [
        partial(door, house=house, around=around, zone=SEOUL)
        for door in (IncidentsDoor, ShiftDoor, RulesPages, ReportDoor, notifications)
    ]
    async with open_city(pool, folder, recorder, clock, further=doors) as city:
        yield Centre(city, house, clock)
