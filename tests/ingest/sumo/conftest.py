"""A small real network with loops and trips, made once by SUMO's own netgenerate."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

sumo = pytest.importorskip("sumo")

from madang.ingest.sumo.loops import Loop, write_loops  # noqa: E402
from madang.ingest.sumo.network import read_network  # noqa: E402


@pytest.fixture(scope="session")
def small_city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small-city")
    tool = str(Path(sumo.SUMO_HOME) / "bin" / "netgenerate")
    shape = ["--grid", "--grid.number", "3", "--grid.length", "120", "--grid.attach-length", "100"]
    more = ["--default-junction-type", "traffic_light", "--default.lanenumber", "2", "--no-turnarounds", "true"]
    subprocess.run([tool, *shape, *more, "-o", str(folder / "net.net.xml")], check=True, capture_output=True)
    # netgenerate's plane is nowhere on earth; the field tells places in degrees.
    text = (folder / "net.net.xml").read_text()
    place = 'netOffset="-385000.00,-6671000.00" convBoundary'
    utm = 'projParameter="+proj=utm +zone=35 +ellps=WGS84 +datum=WGS84 +units=m +no_defs"'
    text = re.sub(r'netOffset="[^"]*" convBoundary', place, text)
    (folder / "net.net.xml").write_text(re.sub(r'projParameter="[^"]*"', utm, text))
    net = read_network(folder / "net.net.xml")
    lanes = sorted({link.lane for link in net.links})
    write_loops([Loop(f"{lane}_stop", lane, net.lane_m[lane] - 2) for lane in lanes], folder / "detectors.add.xml", 5)
    inward = sorted(e for e in net.edges if e.startswith(("left", "bottom")))
    outward = sorted(e for e in net.edges if "right" in e or "top" in e)
    outward = [e for e in outward if not e.startswith(("right", "top"))]
    pairs = [(a, b) for i, a in enumerate(inward) for b in outward[i % 2 :: 2]]
    flows = "".join(
        f'<flow id="f{i}" type="car" begin="0" end="4000" period="{20 + i}" from="{a}" to="{b}"/>'
        for i, (a, b) in enumerate(pairs)
    )
    people = "".join(
        f'<person id="pedestrian-{i}" depart="{10 * i}"><walk edges="{inward[i % len(inward)]}" speed="1.3"/></person>'
        for i in range(40)
    )
    line = '<vType id="bus" vClass="bus"/><route id="line7" edges="left0A0 A0B0 B0C0 C0right0"/>'
    calls = "".join(f'<stop busStop="{stop}" duration="15"/>' for stop in ("first", "second"))
    buses = f'{line}<flow id="bus" type="bus" line="7" route="line7" begin="0" end="4000" period="100">{calls}</flow>'
    (folder / "morning.rou.xml").write_text(f'<routes><vType id="car" sigma="0.5"/>{buses}{flows}{people}</routes>')
    stops = '<busStop id="first" lane="A0B0_0" startPos="60" endPos="85"/><busStop id="second" lane="B0C0_0" startPos="60" endPos="85"/>'
    (folder / "stops.add.xml").write_text(f"<additional>{stops}</additional>")
    return folder
