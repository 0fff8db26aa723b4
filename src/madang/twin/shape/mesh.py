"""A building's shape as triangles around its anchor, and as the bytes that are kept. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_HEAD = struct.Struct("<BII")
FORMAT = 1


@dataclass(slots=True)
class Mesh:
    """`positions`: (n, 3) float32, metres to the east, the north and up from the anchor; `triangles`: (m, 3) int32, counterclockwise
    as seen from outside; `kinds`: (m,) uint8, of ingest.citymodel.shape."""

    positions: NDArray[np.float32]
    triangles: NDArray[np.int32]
    kinds: NDArray[np.uint8]

    @property
    def height_m(self) -> float:
        return float(self.positions[:, 2].max())

    def corners(self) -> NDArray[np.float64]:
        """(m, 3, 3): the triangles' corners."""
        return self.positions.astype(np.float64)[self.triangles]


def encode(mesh: Mesh) -> bytes:
    """The same mesh gives the same bytes. Indices take two bytes where they can."""
    n, m = len(mesh.positions), len(mesh.triangles)
    index = mesh.triangles.astype("<u2" if n <= 0xFFFF else "<u4")
    head = _HEAD.pack(FORMAT, n, m)
    return head + mesh.positions.astype("<f4").tobytes() + index.tobytes() + mesh.kinds.astype("u1").tobytes()


def decode(data: bytes) -> Mesh:
    _, n, m = _HEAD.unpack_from(data)
    at = _HEAD.size
    positions = np.frombuffer(data, "<f4", n * 3, at).reshape(n, 3)
    at += n * 12
    width = "<u2" if n <= 0xFFFF else "<u4"
    triangles = np.frombuffer(data, width, m * 3, at).reshape(m, 3).astype(np.int32)
    at += m * 3 * (2 if n <= 0xFFFF else 4)
    return Mesh(positions, triangles, np.frombuffer(data, "u1", m, at))


def turned(mesh: Mesh, wrong: NDArray[np.bool_]) -> Mesh:
    """With these triangles facing the other way."""
    triangles = mesh.triangles.copy()
    triangles[wrong] = triangles[wrong][:, ::-1]
    return Mesh(mesh.positions, triangles, mesh.kinds)


def volume_m3(mesh: Mesh) -> float:
    """Signed, by the divergence theorem; of a shape that is not closed it still tells inside from outside."""
    a, b, c = np.moveaxis(mesh.corners() - mesh.positions.mean(axis=0), 1, 0)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)
