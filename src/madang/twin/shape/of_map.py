"""Buildings of an imported map -> shapes: their footprints, as high as the map says. Pure but for reading the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from madang.ingest.citymodel.columns import Columns
from madang.ingest.citymodel.footprints import feature_shape
from madang.ingest.citymodel.shape import LeftOut, Shape

CRS = "EPSG:4979"
_COLUMNS = Columns(height_m=["height"])


def map_shapes(entities: Path, left_out: LeftOut) -> Iterator[Shape]:
    """Of the buildings among concise entities, one a line, as the import of a map writes them."""
    with entities.open("rb") as lines:
        for line in lines:
            if b'"type":"Building"' in line:
                entity = msgspec.json.decode(line)
                yield from feature_shape(_feature(entity), entity["id"], _COLUMNS, left_out)


def _feature(entity: dict[str, Any]) -> dict[str, Any]:
    name = entity["id"].rpartition(":")[2]
    return {"id": name, "properties": {"height": entity["height"]["value"]}, "geometry": entity["location"]}
