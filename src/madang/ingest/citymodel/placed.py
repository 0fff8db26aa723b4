"""A model without a place of its own (glTF and other meshes), put where somebody says -> one shape."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import trimesh

from madang.base.errors import BadRequest, TooLarge
from madang.base.limits import CITYMODEL_BUILDING_MAX_POINTS, CITYMODEL_MESH_MAX_BYTES
from madang.ingest.citymodel.shape import OTHER, Shape, Surface

CRS = "EPSG:4979"
MODELS = (".glb", ".gltf")


class Place(NamedTuple):
    """Degrees; `heading`: where the model's front (glTF's +z) looks, clockwise from south; `ground_m`: the height of its origin."""

    longitude: float
    latitude: float
    heading: float = 0.0
    ground_m: float = 0.0


def place_of(text: str) -> Place:
    """`LONGITUDE,LATITUDE[,HEADING[,GROUND]]`. Raises BadRequest."""
    try:
        place = Place(*(float(one) for one in text.split(",")))
    except (TypeError, ValueError):
        raise BadRequest(f"a place is LONGITUDE,LATITUDE[,HEADING[,GROUND]], not {text[:80]!r}") from None
    if not (abs(place.longitude) <= 180 and abs(place.latitude) <= 85 and np.isfinite(place).all()):
        raise BadRequest(f"{text[:80]!r} is no place in degrees")
    return place


def read_model(path: Path, name: str, place: Place, degrees_per_metre: tuple[float, float]) -> Shape:
    """All its triangles as one building. Raises BadRequest, TooLarge."""
    if path.stat().st_size > CITYMODEL_MESH_MAX_BYTES:
        raise TooLarge(f"{path.name}: more than {CITYMODEL_MESH_MAX_BYTES} bytes")
    try:
        mesh = trimesh.load_scene(path).to_mesh()
    except Exception as error:  # whatever the reader of a broken file stumbles over
        raise BadRequest(f"{path.name}: this cannot be read as a model: {error}") from None
    if not len(mesh.faces):
        raise BadRequest(f"{path.name}: there are no triangles in it")
    if len(mesh.vertices) > CITYMODEL_BUILDING_MAX_POINTS:
        raise TooLarge(f"{path.name}: more than {CITYMODEL_BUILDING_MAX_POINTS} points; simplify it")
    return _placed(name, np.asarray(mesh.vertices, float), np.asarray(mesh.faces), place, degrees_per_metre)


def _placed(
    name: str, vertices: np.ndarray, faces: np.ndarray, place: Place, degrees_per_metre: tuple[float, float]
) -> Shape:
    """glTF has y up and z to the front (glTF 2.0, 3.4): unturned, its front looks south."""
    x, up, z = vertices.T
    turn = np.radians(place.heading)
    east, north = x * np.cos(turn) - z * np.sin(turn), -(x * np.sin(turn) + z * np.cos(turn))
    points = np.column_stack((
        place.longitude + east * degrees_per_metre[0], place.latitude + north * degrees_per_metre[1], place.ground_m + up,
    ))  # fmt: skip
    return Shape(name, points, [Surface(OTHER, [face]) for face in faces.tolist()], {}, "3")
