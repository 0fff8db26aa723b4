"""CityGML of three versions by one reader; hostile XML is refused."""

from __future__ import annotations

import io
from itertools import chain, islice, repeat
from unittest.mock import Mock

import numpy as np
import pytest

from madang.base.errors import BadRequest
from madang.ingest.citymodel.citygml import open_citygml
from madang.ingest.citymodel.shape import GROUND, OTHER, ROOF, LeftOut, Shape

GML2, GML3 = "http://www.opengis.net/gml", "http://www.opengis.net/gml/3.2"
ROOF_RING = "0 0 5 10 0 5 10 10 5 0 10 5 0 0 5"
GROUND_RING = "0 0 0 0 10 0 10 10 0 10 0 0 0 0 0"


def polygon(ring: str, name: str = "p") -> str:
    return f'<g:Polygon g:id="{name}"><g:exterior><g:LinearRing><g:posList>{ring}</g:posList></g:LinearRing></g:exterior></g:Polygon>'


def surface(kind: str, ring: str, lod: int) -> str:
    members = f"<g:MultiSurface><g:surfaceMember>{polygon(ring)}</g:surfaceMember></g:MultiSurface>"
    return f"<{kind}><lod{lod}MultiSurface>{members}</lod{lod}MultiSurface></{kind}>"


def model(*members: str, gml: str = GML2) -> bytes:
    envelope = '<g:boundedBy><g:Envelope srsName="urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::5783" srsDimension="3"/></g:boundedBy>'
    told = "".join(f"<cityObjectMember>{one}</cityObjectMember>" for one in members)
    return f'<?xml version="1.0"?><CityModel xmlns:g="{gml}" xmlns:x="http://www.w3.org/1999/xlink">{envelope}{told}</CityModel>'.encode()


def read(data: bytes) -> tuple[str, list[Shape], LeftOut]:
    left_out = LeftOut()
    found = open_citygml(io.BytesIO(data), "made.gml", left_out)
    return found.crs, list(found.shapes), left_out


SECOND = (
    '<Building g:id="b1"><g:name>Hall</g:name><measuredHeight uom="m">5</measuredHeight>'
    '<stringAttribute name="owner"><value>city</value></stringAttribute>'
    '<lod2Solid><g:Solid><g:exterior><g:CompositeSurface><g:surfaceMember x:href="#p"/>'
    "</g:CompositeSurface></g:exterior></g:Solid></lod2Solid>"
    f"<boundedBy>{surface('RoofSurface', ROOF_RING, 2)}</boundedBy>"
    f"<boundedBy>{surface('GroundSurface', GROUND_RING, 2)}</boundedBy></Building>"
)
THIRD = (
    '<Building g:id="b1"><g:name>Hall</g:name><measuredHeight>5</measuredHeight>'
    '<genericAttribute/><stringAttribute name="owner"><value>city</value></stringAttribute>'
    f"<boundary>{surface('RoofSurface', ROOF_RING, 2)}</boundary><boundary>{surface('GroundSurface', GROUND_RING, 2)}</boundary></Building>"
)


@pytest.mark.parametrize(("building", "gml"), [(SECOND, GML2), (THIRD, GML3)])
def test_both_generations_give_one_shape(building: str, gml: str) -> None:
    crs, (shape,), left_out = read(model(building, gml=gml))
    assert (crs, shape.id, shape.lod) == ("urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::5783", "b1", "2")
    assert shape.attributes == {"name": "Hall", "measuredHeight": "5", "owner": "city"}
    assert [(kind, len(rings[0])) for kind, rings in shape.surfaces] == [(ROOF, 4), (GROUND, 4)]
    np.testing.assert_array_equal(shape.points[shape.surfaces[0].rings[0]][2], [10, 10, 5])
    assert left_out.told() == {}


def test_each_part_keeps_its_own_finest_level() -> None:
    coarse = f"<lod1Solid>{polygon(GROUND_RING)}</lod1Solid>"
    part = f'<BuildingPart g:id="w"><lod1Solid>{polygon(ROOF_RING)}</lod1Solid></BuildingPart>'
    fine = f"<boundedBy>{surface('RoofSurface', ROOF_RING, 2)}</boundedBy>"
    building = f'<Building g:id="b">{coarse}{fine}<consistsOfBuildingPart>{part}</consistsOfBuildingPart></Building>'
    _, (shape,), _ = read(model(building))
    assert ([kind for kind, _ in shape.surfaces], shape.lod) == ([ROOF, OTHER], "2")


def test_what_is_no_building_is_counted() -> None:
    _, shapes, left_out = read(
        model(
            '<Road g:id="r"/>',
            '<Building g:id="flat"/>',
            f'<Building g:id="odd">{polygon("1 2 3 4")}</Building>',
            "<Building/>",
        )
    )
    assert shapes == []
    assert left_out.counts == {"no building: Road": 1, "building without surfaces": 2, "building without gml:id": 1}


def test_a_file_of_any_length_is_a_stream() -> None:
    head, member = model(SECOND)[: -len("</CityModel>")], f"<cityObjectMember>{SECOND}</cityObjectMember>".encode()
    file = Mock(read=Mock(side_effect=chain([head], repeat(member))))
    found = open_citygml(file, "endless.gml", LeftOut())
    assert [one.id for one in islice(found.shapes, 300)] == ["b1"] * 300


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><CityModel>&b;</CityModel>',
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><CityModel>&a;</CityModel>',
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd"><CityModel/>',
        b"<CityModel><cityObjectMember></CityModel>",
        b"<html/>",
        b"",
    ],
)
def test_hostile_and_broken_files_are_refused(data: bytes) -> None:
    with pytest.raises(BadRequest):
        read(data)
