"""Finds the files of a city import, or of a SUMO folder with one network (for trying another network)."""

from __future__ import annotations

from pathlib import Path


def net_of(city: Path) -> tuple[Path, Path]:
    """(network, detectors). Raises FileNotFoundError."""
    nets = sorted(city.glob("*.net.xml"))
    if not nets:
        raise FileNotFoundError(f"no *.net.xml in {city}")
    return nets[0], city / "detectors.add.xml"


def routes_of(city: Path, out: Path, seed: int, begin_s: int, seconds: int, scale: float) -> list[Path]:
    """Routes of a window of the day: drawn from the city's demand, or the folder's own route files."""
    if not (city / "demand" / "demand.json").exists():
        return sorted(city.glob("*.rou.xml"))
    from madang.twin.traffic import demand

    demand.write(city, out, seed, begin_s, seconds, scale)
    return [out]


def more_of(city: Path) -> list[Path]:
    """Additional files of a city: its stops."""
    return [path for name in ("stops.add.xml", "stops.xml") if (path := city / name).exists()]
