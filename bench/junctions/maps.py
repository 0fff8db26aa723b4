"""The maps of the field's own benchmark (RESCO: Ault and Sharon 2021) and of Bologna (Bieker et al. 2015).

They are read where they lie and never copied: RESCO's in the `sumo-rl` wheel, Bologna's in the data beside the checkout.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

RESCO = ("cologne1", "cologne3", "cologne8", "ingolstadt1", "ingolstadt7", "ingolstadt21", "grid4x4", "arterial4x4")
NAMES = (*RESCO, "bologna")
BOLOGNA = Path(__file__).resolve().parents[3] / "shared" / "data" / "sumo" / "bologna-acosta"
HOUR_S = 3600
# RESCO's table (Ault and Sharon 2021), the best of its controllers: delay in s, mean of the last ten episodes. Made with SUMO 1.9;
# another version alone moves delays by up to 45 %, so it is told beside a row and never compared within one.
PUBLISHED_S = {
    "cologne1": 27.6,
    "cologne3": 95.5,
    "cologne8": 21.9,
    "ingolstadt1": 22.2,
    "ingolstadt7": 32.5,
    "ingolstadt21": 69.1,
    "grid4x4": 34.1,
    "arterial4x4": 773.0,
}


class Absent(RuntimeError):
    """A map is not on this machine."""


@dataclass(frozen=True)
class Map:
    """Files of a map and the second of the day at which its hour begins; `yellow_s` is what the published protocol gives it."""

    name: str
    net: Path
    routes: tuple[Path, ...]
    additional: tuple[Path, ...]
    begin_s: int
    yellow_s: float = 3.0


def find_map(name: str) -> Map:
    """A map by its name. Raises Absent, KeyError."""
    if name == "bologna":
        return _bologna()
    if name not in RESCO:
        raise KeyError(name)
    wheel = find_spec("sumo_rl")
    if wheel is None or not wheel.submodule_search_locations:
        raise Absent("the sumo-rl wheel, in which RESCO's maps lie, is not installed")
    folder = Path(wheel.submodule_search_locations[0]) / "nets" / "RESCO" / name
    told = ET.parse(folder / f"{name}.sumocfg").getroot()
    files = {tag: folder / _value(told, f"input/{tag}") for tag in ("net-file", "route-files")}
    yellow_s = 2.0 if name == "arterial4x4" else 3.0
    return Map(name, files["net-file"], (files["route-files"],), (), int(_value(told, "time/begin")), yellow_s)


def _value(root: ET.Element, path: str) -> str:
    found = root.find(path)
    if found is None:
        raise Absent(f"{path} is missing in the map's own configuration")
    return found.attrib["value"]


def _bologna() -> Map:
    if not BOLOGNA.is_dir():
        raise Absent(f"{BOLOGNA.name} is not in the data beside the checkout")
    routes = tuple(BOLOGNA / f"acosta{part}.rou.xml" for part in ("", "_busses"))
    more = tuple(BOLOGNA / f"acosta_{part}.add.xml" for part in ("vtypes", "bus_stops", "tls"))
    return Map("bologna", BOLOGNA / "acosta_buslanes.net.xml", routes, more, 0)
