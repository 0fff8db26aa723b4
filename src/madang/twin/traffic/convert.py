"""OpenStreetMap -> SUMO network, by netconvert as a separate program."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from pathlib import Path

import pyproj

from madang.base.errors import Internal
from madang.base.ids import subject_token
from madang.ingest.osm.data import Extract
from madang.ingest.osm.write import write_traffic_osm
from madang.twin.traffic.net import Program

TIMEOUT_S = 1800
TYPES = ("osmNetconvert.typ.xml", "osmNetconvertUrbanDe.typ.xml")
# Every option that differs from netconvert's default has its reason in docs/performance-traffic.md.
OPTIONS = {
    "geometry.remove": "true",
    "roundabouts.guess": "true",
    "junctions.join": "true",
    "junctions.join-dist": "18",
    "tls.guess-signals": "true",
    "tls.discard-simple": "true",
    "tls.join": "false",
    "tls.default-type": "static",
    "no-turnarounds": "true",
    "osm.turn-lanes": "true",
    "output.street-names": "true",
    "keep-edges.components": "1",
    "seed": "1",
}


def sumo_home() -> Path:
    """The folder of the eclipse-sumo wheel. Raises Internal when it is not installed."""
    spec = importlib.util.find_spec("sumo")
    if spec is None or not spec.submodule_search_locations:
        raise Internal("the traffic simulator is not installed (pip install 'madang[demo]')")
    return Path(next(iter(spec.submodule_search_locations)))


def run_tool(name: str, arguments: list[str], cwd: Path) -> str:
    """Runs one of SUMO's programs; gives what it said. Raises Internal when it fails."""
    home = sumo_home()
    data = pyproj.datadir.get_data_dir()
    env = os.environ | {"SUMO_HOME": str(home), "PROJ_DATA": data, "PROJ_LIB": data}
    command = [str(home / "bin" / name), *arguments]
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=TIMEOUT_S)
    if done.returncode:
        raise Internal(f"{name} failed: {(done.stderr or done.stdout)[-800:]}")
    return done.stdout + done.stderr


def build_net(extract: Extract, work: Path, options: dict[str, str] | None = None) -> dict[str, object]:
    """Writes net.net.xml, stops.xml and lines.xml into `work`; gives counts of what netconvert warned about."""
    write_traffic_osm(extract, work / "traffic.osm")
    types = ",".join(str(sumo_home() / "data" / "typemap" / name) for name in TYPES)
    arguments = ["--osm-files", "traffic.osm", "--type-files", types, "-o", "net.net.xml"]
    arguments += ["--ptstop-output", "stops.xml", "--ptline-output", "lines.xml"]
    for key, value in (OPTIONS | (options or {})).items():
        arguments += [f"--{key}", value]
    said = run_tool("netconvert", arguments, work)
    for name in ("net.net.xml", "stops.xml", "lines.xml"):
        _clean(work / name)
    warnings = [line for line in said.splitlines() if line.startswith("Warning")]
    return {"warnings": len(warnings), "warning_texts": warnings[:200]}


def _clean(path: Path) -> None:
    """Takes out the comment with time and paths (same input, same bytes) and gives traffic lights short safe ids."""
    text = re.sub(r"<!--.*?-->\s*", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    names = short_names(re.findall(r'<tlLogic id="([^"]+)"', text))
    text = re.sub(r'(<tlLogic id|\btl)="([^"]+)"', lambda m: f'{m[1]}="{names.get(m[2], m[2])}"', text)
    path.write_text(text, encoding="utf-8")


def short_names(ids: list[str]) -> dict[str, str]:
    """Traffic light id -> `tl` and the first OpenStreetMap node number in it: short, and safe in a topic and an id."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for old in sorted(set(ids)):
        number = re.search(r"\d{3,}", old)
        new = f"tl{number[0]}" if number else subject_token(old)
        while new in taken:
            new += "b"
        taken.add(new)
        names[old] = new
    return names


def set_programs(path: Path, programs: dict[str, Program]) -> None:
    """Puts fixed plans into a network file in place of those netconvert guessed."""
    text = path.read_text(encoding="utf-8")

    def plan(match: re.Match[str]) -> str:
        program = programs.get(match[1])
        if program is None:
            return match[0]
        phases = "".join(f'        <phase duration="{d:g}" state="{s}"/>\n' for d, s in program.phases)
        head = f'    <tlLogic id="{match[1]}" type="static" programID="0" offset="{program.offset_s:g}">\n'
        return f"{head}{phases}    </tlLogic>"

    text = re.sub(r' {4}<tlLogic id="([^"]+)".*?</tlLogic>', plan, text, flags=re.DOTALL)
    path.write_text(text, encoding="utf-8")
