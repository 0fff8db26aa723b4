"""CityGML 1 to 3 (OGC 08-007, 12-019, 20-010) read as a stream: one building at a time is held. Namespaces are passed over, so that
the three versions are one reader. Entities and DTDs are refused (defusedxml), whatever they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from madang.base.errors import BadRequest
from madang.ingest.citymodel.shape import KINDS, OTHER, CityModel, LeftOut, Shape, Surface

_LOD = re.compile(r"lod(\d)")
_ID = "{http://www.opengis.net/gml"
_TEXTS = frozenset({
    "name", "class", "function", "usage", "roofType", "measuredHeight", "storeysAboveGround", "storeysBelowGround",
    "yearOfConstruction",
})  # fmt: skip
_MEMBERS = frozenset({"cityObjectMember", "featureMember", "member"})
Rings = list[list[tuple[float, float, float]]]


def open_citygml(file: BinaryIO, name: str, left_out: LeftOut) -> CityModel:
    """Raises BadRequest."""
    events = _events(file, name)
    crs, first = _reference_system(events, name)
    return CityModel(crs, _shapes(events, first, left_out))


def _events(file: BinaryIO, name: str) -> Iterator[tuple[str, Element]]:
    try:
        yield from iterparse(file, events=("start", "end"), forbid_dtd=True)
    except DefusedXmlException as error:
        raise BadRequest(f"{name}: entities and document types are not taken: {error}") from None
    except ParseError as error:
        raise BadRequest(f"{name}: this cannot be read as XML: {error}") from None


def _reference_system(events: Iterator[tuple[str, Element]], name: str) -> tuple[str, list[Element]]:
    """What the first srsName says, and the elements that are open there."""
    open_: list[Element] = []
    for event, element in events:
        if event == "start":
            open_.append(element)
            if len(open_) == 1 and local(element) != "CityModel":
                raise BadRequest(f"{name}: this is no CityGML: its first element is {local(element)}")
            if "srsName" in element.attrib:
                return element.attrib["srsName"], open_
        else:
            open_.pop()
    return "", open_


def _shapes(events: Iterator[tuple[str, Element]], open_: list[Element], left_out: LeftOut) -> Iterator[Shape]:
    for event, element in events:
        if event == "start":
            open_.append(element)
            continue
        open_.pop()
        if len(open_) == 2 and local(open_[1]) in _MEMBERS:
            yield from _member(element, left_out)
        if len(open_) == 1:
            open_[0].clear()  # what was read is let go, so that a file of any length fits


def _member(element: Element, left_out: LeftOut) -> Iterator[Shape]:
    if local(element) == "Building":
        yield from _building(element, left_out)
    else:
        left_out.add(f"no building: {local(element)}", _id_of(element))


def local(element: Element) -> str:
    """The name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _id_of(element: Element) -> str:
    return next((value for key, value in element.attrib.items() if key.startswith(_ID) and key.endswith("}id")), "")


def _building(element: Element, left_out: LeftOut) -> Iterator[Shape]:
    name = _id_of(element)
    if not name:
        left_out.add("building without gml:id")
        return
    polygons = list(_polygons(element, OTHER, -1, name))
    finest = {part: max(lod for lod, _, of, _ in polygons if of == part) for _, _, part, _ in polygons}
    kept = [(kind, rings) for lod, kind, part, rings in polygons if lod == finest[part] and rings]
    if not kept:
        left_out.add("building without surfaces", name)
        return
    points = np.array([point for _, rings in kept for ring in rings for point in ring], float)
    yield Shape(name, points, _numbered(kept), _attributes(element), str(max(0, *finest.values())))


def _numbered(kept: list[tuple[int, Rings]]) -> list[Surface]:
    surfaces, at = [], 0
    for kind, rings in kept:
        numbered = []
        for ring in rings:
            numbered.append(list(range(at, at + len(ring))))
            at += len(ring)
        surfaces.append(Surface(kind, numbered))
    return surfaces


def _polygons(element: Element, kind: int, lod: int, part: str) -> Iterator[tuple[int, int, str, Rings]]:
    """`(level of detail, kind, building or part, rings)` of every polygon below; an xlink repeats one that stands elsewhere."""
    for child in element:
        name = local(child)
        if name in ("Polygon", "Triangle", "PolygonPatch"):
            yield lod, kind, part, [ring for ring in map(_ring, _rings(child)) if ring]
            continue
        told = _LOD.match(name)
        own = (_id_of(child) or f"{part}+") if name == "BuildingPart" else part
        yield from _polygons(child, KINDS.get(name, kind), int(told[1]) if told else lod, own)


def _rings(polygon: Element) -> Iterator[Element]:
    return (one for one in polygon.iter() if local(one) == "LinearRing")


def _ring(ring: Element) -> list[tuple[float, float, float]]:
    """Its points, the first not repeated; empty when they cannot be read as three numbers each."""
    text = " ".join(one.text or "" for one in ring.iter() if local(one) in ("posList", "pos", "coordinates"))
    try:
        numbers = [float(one) for one in text.replace(",", " ").split()]
    except ValueError:
        return []
    if len(numbers) % 3:
        return []
    points = list(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True))
    return points[:-1] if len(points) > 1 and points[0] == points[-1] else points


def _attributes(element: Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in element:
        name = local(child)
        if name in _TEXTS and child.text and child.text.strip():
            found.setdefault(name, child.text.strip())
        elif name.endswith("Attribute") and "name" in child.attrib:  # gen:stringAttribute and its kin
            found[child.attrib["name"]] = next((one.text for one in child if one.text), "")
    return found
