"""The portal of open data, wired: doors of people, and mounts of programs by the first segment of their paths."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from madang.engine.outward import networks_of_city
from madang.lake.datasets.house import DataHouse
from madang.people.gateway import Mount
from madang.people.identity.routes import MakeDoor
from madang.people.lake import LakeDoor
from madang.people.portal.browsing import BrowsingDoor
from madang.people.portal.ckan import CkanDoor
from madang.people.portal.desk import DeskDoor
from madang.people.portal.giving import OpenDoor
from madang.people.portal.ground import Ground
from madang.people.portal.indicators import IndicatorsDoor
from madang.people.portal.lineage import LineageDoor
from madang.people.portal.notebooks import NotebooksDoor
from madang.people.portal.ogc import OgcDoor
from madang.people.portal.rows import Rows


@dataclass(frozen=True)
class Portal:
    doors: list[MakeDoor]
    mounts: dict[str, Mount]


def open_portal(house: DataHouse, lake: LakeDoor, address: str, city: dict[str, str]) -> Portal:
    """`address`: the city's own; `city`: its name by language."""
    rows, ground = Rows(house, lake.ask), Ground(house.pool)
    doors: list[MakeDoor] = [
        partial(BrowsingDoor, house=house, city=city, ground=ground),
        partial(DeskDoor, house=house),
    ]
    doors.append(partial(NotebooksDoor, house=house, lake=lake, ground=ground))
    doors.append(partial(LineageDoor, house=house))
    doors.append(partial(IndicatorsDoor, values=house.values, allowed=networks_of_city()))
    mounts: dict[str, Mount] = {
        "open": OpenDoor(house, address, city),
        "api": CkanDoor(house, rows, address, city),
        "ogc": OgcDoor(house, rows, address, city),
    }
    return Portal(doors, mounts)
