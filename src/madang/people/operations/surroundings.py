"""What is around an incident, as whoever asks may see it: cameras, units, assets, by the procedure of its kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shapely.geometry import Point, shape

from madang.base.errors import Forbidden, TooComplexQuery, TooManyResults
from madang.base.ids import local_part
from madang.base.limits import INCIDENT_NEAR_SHOWN
from madang.context.query import Query
from madang.model.entity import Entity
from madang.model.geometry import GeoQuery, distance_m
from madang.model.ordering import Distance, Ordering
from madang.model.query import parse_query
from madang.model.render import Form, geometry_of, render
from madang.operations.incidents.incident import Place
from madang.operations.incidents.procedures import Near, Procedure
from madang.people.ngsi.broker import Broker
from madang.trust.caller import Caller

_FORM = Form(format="simplified")


@dataclass(frozen=True)
class Thing:
    """`metres` from the incident, along the Earth."""

    id: str
    type: str
    name: str
    metres: float


@dataclass(frozen=True)
class Group:
    """`things` None: too many to tell."""

    name: dict[str, str]
    things: list[Thing] | None


class Surroundings:
    """Asks the context by place (NGSI-LD clauses 4.10, 4.23)."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def of(self, procedure: Procedure, place: Place, caller: Caller) -> list[Group]:
        """The nearest of each kind; what the caller may not see is left out."""
        return [Group(near.name, await self._find(near, Point(place), caller)) for near in procedure.near]

    async def ids(self, procedure: Procedure, place: Place | None, caller: Caller) -> list[str]:
        """Of all that is told by `of`."""
        groups = await self.of(procedure, place, caller) if place is not None else []
        return [thing.id for group in groups for thing in group.things or []]

    async def _find(self, near: Near, around: Point, caller: Caller) -> list[Thing] | None:
        asked = Query(
            types=tuple(near.types),
            q=parse_query(near.q) if near.q else None,
            geo=GeoQuery("near", around, max_m=near.within_m),
            order=Ordering(distance=Distance("location", around)),
            limit=INCIDENT_NEAR_SHOWN,
        )
        try:
            page = await self._broker.store.find(self._broker.restrict(caller, asked))
        except Forbidden:
            return []
        except (TooManyResults, TooComplexQuery):
            return None
        return [self._thing(row.entity, around, caller) for row in page.rows]

    def _thing(self, entity: Entity, around: Point, caller: Caller) -> Thing:
        told = render(entity, self._broker.cut(caller, entity, _FORM))
        far = distance_m(around, shape(geometry_of(entity, "location")))
        return Thing(entity.id, entity.types[0], _name(told.get("name")) or local_part(entity.id), far)


def _name(value: Any) -> str:
    """Of a Property or a LanguageProperty, simplified."""
    if isinstance(value, dict):
        words = value.get("languageMap", value)
        value = next(iter(words.values()), "") if isinstance(words, dict) else ""
    return value if isinstance(value, str) else ""
