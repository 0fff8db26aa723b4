"""Shapes of a file -> buildings of the city: a mesh on the ground, and the entity of the same id. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np
import shapely
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from madang.base.limits import CITYMODEL_BUILDING_MAX_POINTS
from madang.ingest.citymodel.columns import number
from madang.ingest.citymodel.shape import GROUND, LeftOut, Shape
from madang.ingest.osm.concise import Entity, at_shape, make_entity, measure
from madang.twin.shape.frame import Projection, axes_at, degrees_per_metre, geocentric
from madang.twin.shape.mesh import Mesh, encode
from madang.twin.shape.triangles import Array, footprints, prism, solid

VERSION = b"2"  # raise it when the same shape would give another mesh or entity
_UNSAFE = re.compile(r"[^A-Za-z0-9._~-]+")
_MAPPED = frozenset({
    "name", "class", "function", "usage", "measuredHeight", "storeysAboveGround", "storeysBelowGround", "yearOfConstruction",
})  # fmt: skip
_DIGITS = 7  # of degrees: a centimetre


@dataclass(slots=True)
class Building:
    """One building as it is kept. `longitude`, `latitude` in degrees and `base_m` are the anchor of `mesh`; `entity` in concise form;
    `digest` is the same when neither would change."""

    id: str
    longitude: float
    latitude: float
    base_m: float
    lod: str
    mesh: Mesh
    entity: Entity
    digest: bytes


def buildings_of(shapes: Sequence[Shape], projection: Projection, city: str, left_out: LeftOut) -> Iterator[Building]:
    """Those of a batch. What cannot be one is counted."""
    kept = [shape for shape in shapes if _of_size(shape, left_out)]
    if not kept:
        return
    places = projection.geographic(np.concatenate([shape.points for shape in kept]))
    centred = geocentric(places)
    end = 0
    for shape in kept:
        start, end = end, end + len(shape.points)
        if not np.isfinite(centred[start:end]).all():
            left_out.add("building outside of the reference system", shape.id)
        elif (made := _building(shape, places[start:end], centred[start:end], city, left_out)) is not None:
            yield made


def _of_size(shape: Shape, left_out: LeftOut) -> bool:
    fits = len(shape.points) <= CITYMODEL_BUILDING_MAX_POINTS
    if not fits:
        left_out.add(f"building of more than {CITYMODEL_BUILDING_MAX_POINTS} points", shape.id)
    return fits


def _building(shape: Shape, places: Array, centred: Array, city: str, left_out: LeftOut) -> Building | None:
    longitude, latitude = ((places.min(axis=0) + places.max(axis=0)) / 2)[:2]
    longitude, latitude, base_m = round(float(longitude), 9), round(float(latitude), 9), float(places[:, 2].min())
    origin = geocentric(np.array([[longitude, latitude, base_m]]))[0]
    points = (centred - origin) @ axes_at(longitude, latitude).T
    if shape.height_m is None:
        mesh, polygons = solid(points, shape.surfaces, shape.id, left_out), []
    else:
        polygons = footprints(points, shape.surfaces, shape.id, left_out)
        mesh = prism(polygons, shape.height_m)
    if mesh is None or mesh.height_m <= 0:
        left_out.add("building that encloses nothing", shape.id)
        return None
    outline = placed(covered(polygons, mesh), (longitude, latitude, base_m))
    entity = entity_of(shape, mesh.height_m, outline, city)
    data = VERSION + encode(mesh) + msgspec.json.encode([longitude, latitude, base_m, shape.lod, entity])
    digest = blake2b(data, digest_size=16).digest()
    return Building(entity["id"], longitude, latitude, base_m, shape.lod, mesh, entity, digest)


def local_id(name: str) -> str:
    """The file's own name of a building, without what an id may not hold."""
    return _UNSAFE.sub("_", name)


def entity_of(shape: Shape, height_m: float, outline: BaseGeometry, city: str) -> Entity:
    """`Building` of Smart Data Models, as the import of a map makes it; what has no name there is kept in `sourceAttributes`."""
    told = shape.attributes
    height = measure(round(number(told.get("measuredHeight")) or height_m, 2), "MTR")
    assert height is not None
    height["heightSource"] = shape.height_source
    kinds = [str(told[name]) for name in ("function", "usage", "class") if told.get(name)]
    rest = {key: value for key, value in told.items() if key not in _MAPPED and value not in (None, "", [], {})}
    return make_entity(
        "Building", city, local_id(shape.id), name=told.get("name"), category=list(dict.fromkeys(kinds)), height=height,
        floorsAboveGround=_whole(told.get("storeysAboveGround")), floorsBelowGround=_whole(told.get("storeysBelowGround")),
        yearOfConstruction=_year(told.get("yearOfConstruction")), location=at_shape(outline),
        sourceAttributes={"json": rest} if rest else None,
    )  # fmt: skip


def _whole(value: Any) -> int | None:
    found = number(value)
    return None if found is None else int(found)


def _year(value: Any) -> int | None:
    """Of a year, or of a date that begins with one."""
    found = re.match(r"[12]\d{3}", str(value or ""))
    return int(found[0]) if found else None


def covered(polygons: list[Polygon], mesh: Mesh) -> BaseGeometry:
    """What the building covers, in metres: its footprints, else its ground, else all of it as seen from above."""
    if polygons:
        return shapely.union_all(polygons) if len(polygons) > 1 else polygons[0]
    corners = mesh.corners()[:, :, :2]
    ground = mesh.kinds == GROUND
    flat = shapely.polygons(corners[ground] if ground.any() else corners)
    seen = shapely.union_all(flat[shapely.area(flat) > 1e-4], grid_size=0.001)
    return shapely.simplify(shapely.multipoints(corners.reshape(-1, 2)).envelope if seen.is_empty else seen, 0.01)


def placed(shape: BaseGeometry, anchor: tuple[float, float, float]) -> BaseGeometry:
    """From metres around the anchor to degrees."""
    scale = np.array(degrees_per_metre(anchor[1], anchor[2]))
    return shapely.orient_polygons(shapely.transform(shape, lambda xy: np.round(xy * scale + anchor[:2], _DIGITS)))
