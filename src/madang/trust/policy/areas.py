"""Areas that policies name, out of GeoJSON (RFC 7946). Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from madang.base.errors import BadRequest
from madang.base.limits import POLICY_AREA_MAX_CORNERS
from madang.model.formula import Area, Ring
from madang.model.geometry import check_geometry


class Feature(msgspec.Struct):
    id: str
    geometry: dict[str, Any]


class Collection(msgspec.Struct, tag_field="type", tag="FeatureCollection"):
    features: list[Feature]


def read_areas(text: str) -> dict[str, Area]:
    """The Polygons and MultiPolygons of a FeatureCollection by the `id` of their feature. Raises BadRequest."""
    try:
        found = msgspec.json.decode(text.encode(), type=Collection)
    except msgspec.MsgspecError as error:
        raise BadRequest(str(error)) from None
    return {one.id: Area(one.id, _rings(one)) for one in found.features}


def _rings(feature: Feature) -> tuple[Ring, ...]:
    kind = feature.geometry.get("type")
    if kind not in ("Polygon", "MultiPolygon"):
        raise BadRequest(f"the area {feature.id!r} is a Polygon or a MultiPolygon, not {kind!r}")
    check_geometry(feature.geometry, f"the area {feature.id!r}")
    coordinates = feature.geometry["coordinates"]
    parts = [coordinates] if kind == "Polygon" else coordinates
    rings = tuple(tuple((float(x), float(y)) for x, y, *_ in ring) for part in parts for ring in part)
    if not 0 < sum(map(len, rings)) <= POLICY_AREA_MAX_CORNERS:
        raise BadRequest(f"the area {feature.id!r} has no corners, or more than {POLICY_AREA_MAX_CORNERS}")
    return rings
