"""CityJSON 1.0 to 2.0 and CityJSONSeq (cityjson.org/specs/2.0.1): city objects -> shapes. Pure but for reading the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec
import numpy as np

from madang.base.errors import BadRequest, TooLarge
from madang.base.limits import CITYMODEL_DOCUMENT_MAX_BYTES
from madang.ingest.citymodel.shape import KINDS, OTHER, CityModel, LeftOut, Points, Shape, Surface, compact

PARTS = frozenset({"Building", "BuildingPart"})
DEPTH = {"MultiSurface": 1, "CompositeSurface": 1, "Solid": 2, "MultiSolid": 3, "CompositeSolid": 3}
"""How many lists lie around a surface in `boundaries`."""
Json = dict[str, Any]


def open_cityjson(file: BinaryIO, name: str, left_out: LeftOut) -> CityModel:
    """Of a whole document, or of a sequence of features, one a line. Raises BadRequest, TooLarge."""
    first = _line(file, name)
    document = _decoded(first, name)
    if document is None:
        document = _decoded(first + _rest(file, len(first), name), name)
    if document is None or document.get("type") != "CityJSON":
        raise BadRequest(f"{name}: this is no CityJSON")
    crs = str((document.get("metadata") or {}).get("referenceSystem", ""))
    return CityModel(crs, _shapes(document, file, name, left_out))


def _line(file: BinaryIO, name: str) -> bytes:
    line = file.readline(CITYMODEL_DOCUMENT_MAX_BYTES + 1)
    if len(line) > CITYMODEL_DOCUMENT_MAX_BYTES:
        raise TooLarge(f"{name}: more than {CITYMODEL_DOCUMENT_MAX_BYTES} bytes in one piece; use CityJSONSeq")
    return line


def _rest(file: BinaryIO, read: int, name: str) -> bytes:
    rest = file.read(CITYMODEL_DOCUMENT_MAX_BYTES + 1 - read)
    if len(rest) + read > CITYMODEL_DOCUMENT_MAX_BYTES:
        raise TooLarge(f"{name}: more than {CITYMODEL_DOCUMENT_MAX_BYTES} bytes in one piece; use CityJSONSeq")
    return rest


def _decoded(data: bytes, name: str) -> Json | None:
    """None when it is not the whole of a document."""
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if not isinstance(found, dict):
        raise BadRequest(f"{name}: this is no CityJSON")
    return found


def _shapes(document: Json, file: BinaryIO, name: str, left_out: LeftOut) -> Iterator[Shape]:
    yield from object_shapes(document, _transform(document), left_out)
    number = 1
    while line := _line(file, name):
        number += 1
        feature = _decoded(line, name)
        if feature is not None and feature.get("type") == "CityJSONFeature":
            yield from object_shapes(feature, _transform(document), left_out)
        elif line.strip():
            left_out.add("line that is no CityJSONFeature", f"line {number}")


def _transform(document: Json) -> tuple[Any, Any]:
    told = document.get("transform") or {}
    return told.get("scale", (1.0, 1.0, 1.0)), told.get("translate", (0.0, 0.0, 0.0))


def object_shapes(document: Json, transform: tuple[Any, Any], left_out: LeftOut) -> Iterator[Shape]:
    """One shape for each building of a document, its parts included. Objects that are no buildings are counted."""
    scale, translate = transform
    vertices = np.array(document.get("vertices", []), float).reshape(-1, 3) * scale + translate
    objects: dict[str, Json] = document.get("CityObjects", {})
    of_root: dict[str, list[str]] = {}
    for name, one in objects.items():
        if one.get("type") in PARTS:
            of_root.setdefault(_root(objects, name), []).append(name)
        else:
            left_out.add(f"no building: {one.get('type')}", name)
    for root, names in of_root.items():
        yield from _building(objects, root, names, vertices, left_out)


def _root(objects: dict[str, Json], name: str) -> str:
    """The building that a part belongs to: parents are followed, as long as they are there, and not in a circle."""
    seen = {name}
    while parents := [one for one in objects[name].get("parents", []) if one in objects and one not in seen]:
        name = parents[0]
        seen.add(name)
    return name


def _building(
    objects: dict[str, Json], root: str, names: list[str], vertices: Points, left_out: LeftOut
) -> Iterator[Shape]:
    surfaces: list[Surface] = []
    lods: set[str] = set()
    for name in names:
        lod, found = _finest(objects[name].get("geometry", []), root, left_out)
        surfaces += found
        lods |= {lod} if found else set()
    if not surfaces:
        left_out.add("building without surfaces", root)
        return
    if max(max(ring, default=0) for one in surfaces for ring in one.rings) >= len(vertices):
        left_out.add("building with points that are not there", root)
        return
    points, numbered = compact(vertices, surfaces)
    attributes = {k: v for name in reversed(names) for k, v in (objects[name].get("attributes") or {}).items()}
    own = objects[root].get("attributes") or {}
    yield Shape(root, points, numbered, own or attributes, max(lods))


def _finest(geometries: list[Json], root: str, left_out: LeftOut) -> tuple[str, list[Surface]]:
    """The surfaces of the finest level of detail of one object."""
    lods = [str(one.get("lod", "0")) for one in geometries]
    finest = max(lods, default="0")
    surfaces: list[Surface] = []
    for one, lod in zip(geometries, lods, strict=True):
        if lod == finest and one.get("type") in DEPTH:
            surfaces += _surfaces(one)
        elif lod == finest:
            left_out.add(f"geometry of another kind: {one.get('type')}", root)
    return finest, surfaces


def _surfaces(geometry: Json) -> Iterator[Surface]:
    semantics = geometry.get("semantics") or {}
    kinds = [KINDS.get(one.get("type"), OTHER) for one in semantics.get("surfaces", [])]
    yield from _walk(geometry["boundaries"], semantics.get("values"), DEPTH[geometry["type"]], kinds)


def _walk(boundaries: list[Any], values: Any, depth: int, kinds: list[int]) -> Iterator[Surface]:
    """`values` are nested as `boundaries` are; null, or a list that is too short, says nothing of all below it."""
    for position, one in enumerate(boundaries):
        value = values[position] if isinstance(values, list) and position < len(values) else None
        if depth > 1:
            yield from _walk(one, value, depth - 1, kinds)
        else:
            yield Surface(kinds[value] if isinstance(value, int) and value < len(kinds) else OTHER, one)
    return
