"""Buildings of one tile as binary glTF 2.0: positions as whole numbers (KHR_mesh_quantization), which building each point belongs to
(EXT_mesh_features) and what the tile tells of it (EXT_structural_metadata). Without normals, so that viewers shade flat faces (glTF 2.0,
3.7.2.1). Pure: the same buildings give the same bytes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from madang.ingest.citymodel.shape import ROOF
from madang.twin.shape.mesh import Mesh

BYTE, SHORT, INT, FLOAT = 5121, 5123, 5125, 5126
ARRAY_BUFFER, ELEMENT_BUFFER = 34962, 34963
MATERIALS = (("wall", (0.82, 0.80, 0.76)), ("roof", (0.66, 0.45, 0.37)))
"""Names and colours (linear RGB) of the two materials."""
_FLOOR = 65_535
Json = dict[str, Any]


@dataclass(slots=True)
class Placed:
    """A building in the frame of its tile: `positions` (n, 3) in metres to the east, the north and up. `base_m`: where it stands."""

    id: str
    positions: NDArray[np.float64]
    mesh: Mesh
    base_m: float


class _Buffer:
    """Views of one binary buffer, each aligned to eight bytes as EXT_structural_metadata wants it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[Json] = []

    def add(self, data: bytes, **more: Any) -> int:
        self.data += bytes(-len(self.data) % 8)
        self.views.append({"buffer": 0, "byteOffset": len(self.data), "byteLength": len(data)} | more)
        self.data += data
        return len(self.views) - 1


def glb(buildings: Sequence[Placed]) -> bytes:
    """At least one building."""
    buffer, accessors = _Buffer(), list[Json]()
    counts = [len(one.positions) for one in buildings]
    starts = np.cumsum([0, *counts])
    east, north, up = np.concatenate([one.positions for one in buildings]).T
    node = _positions(np.column_stack((east, up, -north)), buffer, accessors)
    _feature_ids(np.repeat(np.arange(len(buildings)), counts), buffer, accessors)
    triangles = np.concatenate([one.mesh.triangles + start for one, start in zip(buildings, starts, strict=False)])
    roof = np.concatenate([one.mesh.kinds for one in buildings]) == ROOF
    primitives = [
        _primitive(triangles[roof == is_roof], int(is_roof), len(buildings), int(starts[-1]), buffer, accessors)
        for is_roof in (False, True)
        if (roof == is_roof).any()
    ]
    metadata = _metadata(buildings, buffer)
    return _packed(_document(node, primitives, accessors, buffer, metadata), bytes(buffer.data))


def _positions(points: NDArray[np.float64], buffer: _Buffer, accessors: list[Json]) -> Json:
    """Writes them as unsigned shorts; gives the node that takes those back to metres."""
    low = points.min(axis=0)
    step = np.maximum(points.max(axis=0) - low, 1e-3) / _FLOOR
    whole = np.zeros((len(points), 4), "<u2")
    whole[:, :3] = np.rint((points - low) / step)
    view = buffer.add(whole.tobytes(), byteStride=8, target=ARRAY_BUFFER)
    accessors.append({
        "bufferView": view, "componentType": SHORT, "count": len(points), "type": "VEC3",
        "min": whole[:, :3].min(axis=0).tolist(), "max": whole[:, :3].max(axis=0).tolist(),
    })  # fmt: skip
    return {"mesh": 0, "translation": low.tolist(), "scale": step.tolist()}


def _feature_ids(of: NDArray[np.int64], buffer: _Buffer, accessors: list[Json]) -> None:
    padded = np.zeros((len(of), 2), "<u2")
    padded[:, 0] = of
    view = buffer.add(padded.tobytes(), byteStride=4, target=ARRAY_BUFFER)
    accessors.append({"bufferView": view, "componentType": SHORT, "count": len(of), "type": "SCALAR"})


def _primitive(
    triangles: NDArray[np.int32], material: int, features: int, points: int, buffer: _Buffer, accessors: list[Json]
) -> Json:
    wide = points > _FLOOR
    data = triangles.astype("<u4" if wide else "<u2").tobytes()
    accessors.append({
        "bufferView": buffer.add(data, target=ELEMENT_BUFFER), "componentType": INT if wide else SHORT,
        "count": triangles.size, "type": "SCALAR",
    })  # fmt: skip
    told = {"featureIds": [{"featureCount": features, "attribute": 0, "propertyTable": 0, "label": "building"}]}
    return {
        "attributes": {"POSITION": 0, "_FEATURE_ID_0": 1}, "indices": len(accessors) - 1, "material": material,
        "extensions": {"EXT_mesh_features": told},
    }  # fmt: skip


def _metadata(buildings: Sequence[Placed], buffer: _Buffer) -> Json:
    """The property table: the entity's id, and in metres how high the building is and where it stands."""
    names = [one.id.encode() for one in buildings]
    offsets = np.cumsum([0, *map(len, names)]).astype("<u4")
    numbers = {"height": [one.mesh.height_m for one in buildings], "base": [one.base_m for one in buildings]}
    ids = {"values": buffer.add(b"".join(names)), "stringOffsets": buffer.add(offsets.tobytes())}
    values: Json = {"id": ids | {"stringOffsetType": "UINT32"}}
    values |= {name: {"values": buffer.add(np.array(some, "<f4").tobytes())} for name, some in numbers.items()}
    scalar = {"type": "SCALAR", "componentType": "FLOAT32", "required": True}
    properties = {"id": {"type": "STRING", "required": True}, "height": scalar, "base": scalar}
    return {
        "schema": {"id": "madang", "classes": {"building": {"properties": properties}}},
        "propertyTables": [{"class": "building", "count": len(buildings), "properties": values}],
    }


def _document(node: Json, primitives: list[Json], accessors: list[Json], buffer: _Buffer, metadata: Json) -> Json:
    return {
        "asset": {"version": "2.0", "generator": "Madang"},
        "extensionsUsed": ["KHR_mesh_quantization", "EXT_mesh_features", "EXT_structural_metadata"],
        "extensionsRequired": ["KHR_mesh_quantization"],
        "extensions": {"EXT_structural_metadata": metadata},
        "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [node], "meshes": [{"primitives": primitives}],
        "materials": [
            {
                "name": name, "doubleSided": True,
                "pbrMetallicRoughness": {"baseColorFactor": [*colour, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.9},
            }
            for name, colour in MATERIALS
        ],
        "accessors": accessors, "bufferViews": buffer.views, "buffers": [{"byteLength": len(buffer.data)}],
    }  # fmt: skip


def _packed(document: Json, data: bytes) -> bytes:
    """The container (glTF 2.0, 4): the binary chunk begins at a multiple of eight bytes, too."""
    told = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    told += b" " * ((4 - len(told)) % 8)
    data += bytes(-len(data) % 8)
    head = struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(told) + 8 + len(data))
    return head + struct.pack("<I4s", len(told), b"JSON") + told + struct.pack("<I4s", len(data), b"BIN\0") + data
