"""CityJSON: whole documents and sequences, nested semantics, what is no building, and real cities."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest

from madang.base.errors import BadRequest
from madang.ingest.citymodel.cityjson import open_cityjson
from madang.ingest.citymodel.columns import Columns
from madang.ingest.citymodel.opening import open_model
from madang.ingest.citymodel.shape import GROUND, OTHER, ROOF, WALL, LeftOut, Shape
from tests.conftest import shared

CORNERS = [[0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0], [0, 0, 5], [10, 0, 5], [10, 10, 5], [0, 10, 5], [99, 99, 99]]
SIDES = [[[0, 3, 2, 1]], [[4, 5, 6, 7]], [[0, 1, 5, 4]]]
SEMANTICS = {
    "surfaces": [{"type": "GroundSurface"}, {"type": "RoofSurface"}, {"type": "WallSurface"}],
    "values": [[0, 1, 2]],
}
HOUSE = {"type": "Building", "attributes": {"name": "Hall"}, "children": ["wing"]}
WING = {
    "type": "BuildingPart",
    "parents": ["house"],
    "geometry": [
        {"type": "MultiSurface", "lod": "1.2", "boundaries": [[[0, 1, 2]]]},
        {"type": "Solid", "lod": "2.2", "boundaries": [SIDES], "semantics": SEMANTICS},
    ],
}
DOCUMENT: dict[str, Any] = {
    "type": "CityJSON",
    "version": "2.0",
    "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/7415"},
    "transform": {"scale": [0.5, 0.5, 0.5], "translate": [1000, 2000, 3]},
    "CityObjects": {"house": HOUSE, "wing": WING, "tree": {"type": "SolitaryVegetationObject"}},
    "vertices": CORNERS,
}


def read(document: Any) -> tuple[str, list[Shape], LeftOut]:
    left_out = LeftOut()
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    model = open_cityjson(io.BytesIO(data), "made.city.json", left_out)
    return model.crs, list(model.shapes), left_out


def test_a_building_is_its_parts_in_their_finest_detail() -> None:
    crs, (shape,), left_out = read(DOCUMENT)
    assert (crs, shape.id, shape.lod, shape.attributes) == (
        "https://www.opengis.net/def/crs/EPSG/0/7415", "house", "2.2", {"name": "Hall"},
    )  # fmt: skip
    assert [kind for kind, _ in shape.surfaces] == [GROUND, ROOF, WALL]
    ring = shape.points[shape.surfaces[1].rings[0]]
    np.testing.assert_allclose(ring, np.array([CORNERS[at] for at in (4, 5, 6, 7)]) / 2 + [1000, 2000, 3])
    assert left_out.told() == {"no building: SolitaryVegetationObject": {"count": 1, "examples": ["tree"]}}


def test_a_sequence_says_the_same_as_the_document() -> None:
    head = DOCUMENT | {"CityObjects": {}, "vertices": []}
    feature = {"type": "CityJSONFeature", "id": "house"} | {
        name: DOCUMENT[name] for name in ("CityObjects", "vertices")
    }
    lines = "\n".join([json.dumps(head), json.dumps(feature), "{not json", ""]).encode()
    _, (whole,), _ = read(DOCUMENT)
    _, (one,), left_out = read(lines)
    assert (one.id, one.surfaces, one.points.tolist()) == (whole.id, whole.surfaces, whole.points.tolist())
    assert left_out.counts["line that is no CityJSONFeature"] == 1


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        (None, [OTHER, OTHER, OTHER]),
        ([None], [OTHER, OTHER, OTHER]),
        ([[0]], [GROUND, OTHER, OTHER]),
        ([[0, None, 9]], [GROUND, OTHER, OTHER]),
    ],
)
def test_what_says_nothing_of_a_surface_is_passed_over(values: Any, kinds: list[int]) -> None:
    solid = WING["geometry"][1] | {"semantics": SEMANTICS | {"values": values}}  # type: ignore[index]
    _, (shape,), _ = read(DOCUMENT | {"CityObjects": {"house": {"type": "Building", "geometry": [solid]}}})
    assert [kind for kind, _ in shape.surfaces] == kinds


def test_what_cannot_be_a_building_is_counted() -> None:
    far = {"type": "Building", "geometry": [{"type": "MultiSurface", "lod": "1", "boundaries": [[[0, 1, 77]]]}]}
    template = {"type": "Building", "geometry": [{"type": "GeometryInstance", "lod": "1"}]}
    circle = {"type": "BuildingPart", "parents": ["round"], "geometry": []}
    _, shapes, left_out = read(DOCUMENT | {"CityObjects": {"far": far, "template": template, "round": circle}})
    assert shapes == []
    assert left_out.counts == {
        "building with points that are not there": 1,
        "geometry of another kind: GeometryInstance": 1,
        "building without surfaces": 2,
    }


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"type": "CityJSON"', b"\xff\xfe"])
def test_what_is_no_cityjson_is_refused(data: bytes) -> None:
    with pytest.raises(BadRequest):
        read(data)


@pytest.mark.parametrize(
    ("name", "buildings", "surfaces", "lods"),
    [
        ("delft.city.json", 160, 5_563, {"1"}),
        ("zurich-lod2.city.json", 49, 2_039, {"2"}),
        ("denhaag-lod2.city.json.zip", 844, 16_209, {"2"}),
    ],
)
def test_real_cities(name: str, buildings: int, surfaces: int, lods: set[str]) -> None:
    with open_model(shared(f"citymodel/{name}"), Columns(), LeftOut()) as model:
        shapes = list(model.shapes)
    assert (len(shapes), sum(len(one.surfaces) for one in shapes), {one.lod for one in shapes}) == (
        buildings,
        surfaces,
        lods,
    )
