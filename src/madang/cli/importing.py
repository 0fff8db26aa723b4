"""`madang city import osm FILE`: a map becomes a city, with counts and what was left out."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from madang.base.city import CityConfig, source_path
from madang.cli.cities import find_city
from madang.cli.sources import imported
from madang.cli.up import progress
from madang.twin.importer import import_city


def import_osm(options: argparse.Namespace) -> int:
    """Prints the report; the same file and settings give the same folder and the same bytes."""
    source = source_path(options.file, Path.cwd())
    city = find_city(options.city) if options.city else _unnamed(source)
    if options.out:
        folder = Path(options.out).absolute()
        import_city(city, source, folder, progress)
    else:
        folder = imported(city, source, progress)
    report = json.loads((folder / "import.json").read_text())
    _print(report, folder)
    return 0


def _unnamed(source: Path) -> CityConfig:
    name = (
        "".join(letter if letter.isalnum() else "-" for letter in source.name.split(".")[0].lower()).strip("-")
        or "city"
    )
    return CityConfig(name, {"en": name, "ko": name}, "UTC", "© OpenStreetMap contributors, ODbL")


def _print(report: dict[str, object], folder: Path) -> None:
    print(f"{report['city']} from {report['source']} ({report['attribution']})")
    for title in ("entities", "traffic", "tiles", "height_sources", "left_out"):
        rows = report.get(title)
        if isinstance(rows, dict) and rows:
            print(f"\n{title.replace('_', ' ')}:")
            for name, count in rows.items():
                print(f"  {count:>8}  {name}")
    print(f"\nwritten to {folder}")
