"""Finds the files of a city import, or of a SUMO folder with one network (for trying another network)."""

from __future__ import annotations

from pathlib import Path


def files_of(city: Path) -> tuple[Path, Path, list[Path], list[Path]]:
    """(network, detectors, routes, other additional files). Raises FileNotFoundError."""
    nets = sorted(city.glob("*.net.xml"))
    if not nets:
        raise FileNotFoundError(f"no *.net.xml in {city}")
    routes = sorted(city.glob("demand/*.rou.xml")) or sorted(city.glob("*.rou.xml"))
    return nets[0], city / "detectors.add.xml", routes, []
