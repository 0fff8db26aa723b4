"""Small helpers for NGSI-LD concise entities with core-context names. Pure."""

from __future__ import annotations

import json
from typing import Any

from shapely.geometry.base import BaseGeometry

from madang.base.ids import entity_id
from madang.ingest.osm.data import Point, Tags
from madang.ingest.osm.geometry import geojson
from madang.ingest.osm.tags import address_of, name_of

Entity = dict[str, Any]


def make_entity(type_name: str, city: str, local_id: str, **attributes: object) -> Entity:
    """An entity without its empty attributes."""
    head: Entity = {"id": entity_id(type_name, city, local_id), "type": type_name}
    return head | {key: value for key, value in attributes.items() if value not in (None, "", [], {})}


def named(tags: Tags) -> dict[str, object]:
    """`name` and `address`, where told."""
    address = address_of(tags)
    return {"name": name_of(tags), "address": {"value": address} if address else None}


def measure(value: float | None, unit: str) -> dict[str, object] | None:
    """A number with its UN/CEFACT unit."""
    return None if value is None else {"value": value, "unitCode": unit}


def at_point(point: Point) -> dict[str, object]:
    """A GeoProperty in concise form."""
    return {"type": "Point", "coordinates": [point[0], point[1]]}


def at_shape(shape: BaseGeometry) -> dict[str, object]:
    return geojson(shape)


def as_json(value: object) -> dict[str, object]:
    """A JsonProperty: kept as it stands, not expanded."""
    return {"json": value}


def points_to(entity_urn: str | list[str]) -> dict[str, object]:
    """A Relationship."""
    return {"object": entity_urn}


def to_line(entity: Entity) -> str:
    """One line of entities.ndjson: the same entity gives the same bytes."""
    return json.dumps(entity, ensure_ascii=False, separators=(",", ":"), sort_keys=False)
