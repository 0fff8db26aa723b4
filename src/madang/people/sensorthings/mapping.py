"""NGSI-LD entities as SensorThings entities (OGC 18-088, clause 8), pure.

A device or observed place is a Thing, which is its own Sensor; each attribute with a value and a time of observation is a
Datastream. Ids: `<entity>`, `<entity>;<attribute>`, `<entity>;<attribute>;<time>`, and an attribute's name for its property.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from madang.model.context import iri_of_internal
from madang.model.entity import Entity
from madang.model.render import geometry_of

Record = dict[str, Any]
SETS = ("Things", "Locations", "Datastreams", "Sensors", "ObservedProperties", "Observations", "FeaturesOfInterest")
NAVIGATION: dict[str, tuple[str, ...]] = {
    "Things": ("Datastreams", "Locations"),
    "Locations": ("Things",),
    "Datastreams": ("Thing", "Sensor", "ObservedProperty", "Observations"),
    "Sensors": ("Datastreams",),
    "ObservedProperties": ("Datastreams",),
    "Observations": ("Datastream", "FeatureOfInterest"),
    "FeaturesOfInterest": ("Observations",),
}
ONE_OF = {
    "Thing": "Things",
    "Sensor": "Sensors",
    "ObservedProperty": "ObservedProperties",
    "Datastream": "Datastreams",
    "FeatureOfInterest": "FeaturesOfInterest",
}
_OM = "http://www.opengis.net/def/observationType/OGC-OM/2.0/"


@dataclass(frozen=True)
class Item:
    """One SensorThings entity: its own properties, and the NGSI-LD entities and the attribute behind it."""

    id: str
    body: Record
    owners: tuple[Entity, ...]
    attribute: str | None = None


def senses(type_name: str) -> bool:
    """Whether entities of such a type are Things: devices and what Smart Data Models calls observed."""
    return type_name == "Device" or type_name.endswith("Observed")


def items(name: str, entities: Iterable[Entity]) -> list[Item]:
    """The members of an entity set that these entities give."""
    return _MAKERS[name](entities)


def property_of(name: str, owners: Iterable[Entity] = ()) -> Item:
    """An attribute's name as an ObservedProperty."""
    body = {"name": name, "definition": iri_of_internal(name), "description": name}
    return Item(name, body, tuple(owners), name)


def related(item: Item, navigation: str) -> list[Item]:
    """What a navigation property leads to."""
    found = items(ONE_OF.get(navigation, navigation), item.owners)
    return [one for one in found if None in (one.attribute, item.attribute) or one.attribute == item.attribute]


def observation(entity: Entity, attribute: str, instance: Record) -> Item:
    """One instance of an attribute as an Observation."""
    time = instance["observedAt"]
    body = {"phenomenonTime": time, "resultTime": time, "result": instance["value"]}
    return Item(f"{entity.id};{attribute};{time}", body, (entity,), attribute)


def streams(entity: Entity) -> Iterator[tuple[str, Record]]:
    """The attributes that are observed: Properties with a plain value and a time, in the default data set."""
    for name, attribute in entity.body.items():
        for instance in attribute if isinstance(attribute, list) else [attribute]:
            if isinstance(instance, dict) and "datasetId" not in instance and _is_observed(instance):
                yield name, instance


def _is_observed(instance: Record) -> bool:
    plain = isinstance(instance.get("value"), int | float | str)
    return instance["type"] == "Property" and plain and "observedAt" in instance


def _name(entity: Entity) -> str:
    attribute = entity.body.get("name")
    told = attribute.get("value") if isinstance(attribute, dict) else None
    return told if isinstance(told, str) else entity.id


def _things(entities: Iterable[Entity]) -> list[Item]:
    return [Item(one.id, _described(one) | {"properties": {"type": one.types}}, (one,)) for one in entities]


def _described(entity: Entity) -> Record:
    return {"name": _name(entity), "description": ", ".join(entity.types)}


def _places(entities: Iterable[Entity], member: str) -> list[Item]:
    pairs = ((one, geometry_of(one, "location")) for one in entities)
    return [
        Item(one.id, _described(one) | {"encodingType": "application/geo+json", member: place}, (one,))
        for one, place in pairs
        if place is not None
    ]


def _sensors(entities: Iterable[Entity]) -> list[Item]:
    return [
        Item(one.id, _described(one) | {"encodingType": "text/plain", "metadata": one.id}, (one,)) for one in entities
    ]


def _datastreams(entities: Iterable[Entity]) -> list[Item]:
    return [_datastream(one, name, instance) for one in entities for name, instance in streams(one)]


def _datastream(entity: Entity, name: str, instance: Record) -> Item:
    number = isinstance(instance["value"], int | float) and not isinstance(instance["value"], bool)
    unit = instance.get("unitCode")
    body = {
        "name": f"{name} of {_name(entity)}",
        "description": f"{name} of {', '.join(entity.types)} {entity.id}",
        "observationType": _OM + ("OM_Measurement" if number else "OM_Observation"),
        "unitOfMeasurement": {"name": unit, "symbol": unit, "definition": None},
    }
    return Item(f"{entity.id};{name}", body, (entity,), name)


def _properties(entities: Iterable[Entity]) -> list[Item]:
    owners: dict[str, list[Entity]] = {}
    for one in entities:
        for name, _ in streams(one):
            owners.setdefault(name, []).append(one)
    return [property_of(name, some) for name, some in sorted(owners.items())]


def _newest(entities: Iterable[Entity]) -> list[Item]:
    return [observation(one, name, instance) for one in entities for name, instance in streams(one)]


_MAKERS: dict[str, Callable[[Iterable[Entity]], list[Item]]] = {
    "Things": _things,
    "Locations": lambda entities: _places(entities, "location"),
    "Datastreams": _datastreams,
    "Sensors": _sensors,
    "ObservedProperties": _properties,
    "Observations": _newest,
    "FeaturesOfInterest": lambda entities: _places(entities, "feature"),
}
