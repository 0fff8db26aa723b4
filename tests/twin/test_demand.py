"""Demand: same seed, same day; and the real simulator swallows it."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest

from madang.twin.importer import ImportReport
from madang.twin.traffic import demand
from madang.twin.traffic.convert import run_tool
from madang.twin.traffic.net import read_net
from madang.twin.traffic.walks import WALK_MAX_M, WALK_MIN_M

Made = tuple[Path, ImportReport]
PEAK = 7 * 3600 + 1800


def vehicles(path: Path) -> list[tuple[str, str, str]]:
    return [(v.attrib["id"], v.attrib["depart"], v.attrib["route"]) for v in ET.parse(path).getroot().iter("vehicle")]


def test_same_seed_same_day_whatever_the_window(imported: Made, tmp_path: Path) -> None:
    demand.write(imported[0], tmp_path / "a", 7, PEAK, 3600)
    demand.write(imported[0], tmp_path / "b", 7, PEAK, 3600)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    demand.write(imported[0], tmp_path / "c", 7, PEAK - 1830, 3600 + 1830)
    late = [v for v in vehicles(tmp_path / "c") if float(v[1]) >= PEAK]
    assert late == vehicles(tmp_path / "a")


def test_another_seed_is_another_day(imported: Made, tmp_path: Path) -> None:
    demand.write(imported[0], tmp_path / "a", 1, PEAK, 600)
    demand.write(imported[0], tmp_path / "b", 2, PEAK, 600)
    assert vehicles(tmp_path / "a") != vehicles(tmp_path / "b")


def test_the_morning_peak_is_busier_than_the_night_and_all_modes_drive(imported: Made, tmp_path: Path) -> None:
    peak = demand.write(imported[0], tmp_path / "a", 1, PEAK, 3600)
    night = demand.write(imported[0], tmp_path / "b", 1, 3 * 3600, 3600)
    assert set(peak) == {"car", "bicycle", "bus", "tram", "pedestrian"}
    assert peak["car"] > 10 * night["car"]


def test_a_day_is_written_within_five_seconds_per_hour(imported: Made, tmp_path: Path) -> None:
    begun = time.process_time()
    counts = demand.write(imported[0], tmp_path / "a", 1, 0, 86_400)
    assert time.process_time() - begun < 10
    assert sum(counts.values()) > 20_000


@pytest.mark.parametrize("mean", [0.5, 8.0, 60.0])
def test_poisson_has_its_mean(mean: float) -> None:
    import random

    rng = random.Random(1)
    assert sum(demand.poisson(rng, mean) for _ in range(4000)) / 4000 == pytest.approx(mean, rel=0.08)


def run_ten_minutes(net: Path, routes: Path, work: Path) -> ET.Element:
    """SUMO's statistics."""
    work.mkdir()
    options = ["-n", str(net / "net.net.xml"), "-a", str(net / "stops.add.xml"), "-r", str(routes)]
    span = ["-b", str(PEAK), "-e", str(PEAK + 600), "--pedestrian.model", "nonInteracting", "--duration-log.statistics"]
    run_tool("sumo", [*options, *span, "--no-step-log", "--no-warnings", "--statistic-output", "s.xml"], work)
    return ET.parse(work / "s.xml").getroot()


def test_people_walk_and_no_vehicle_notices(imported: Made, tmp_path: Path) -> None:
    demand.write(imported[0], tmp_path / "all.xml", 1, PEAK, 600)
    tree = ET.parse(tmp_path / "all.xml")
    people = tree.getroot().findall("person")
    for person in people:
        tree.getroot().remove(person)
    tree.write(tmp_path / "vehicles.xml")
    both = run_ten_minutes(imported[0], tmp_path / "all.xml", tmp_path / "a")
    alone = run_ten_minutes(imported[0], tmp_path / "vehicles.xml", tmp_path / "b")
    told = [[run.find(tag).attrib for tag in ("vehicles", "vehicleTripStatistics")] for run in (both, alone)]
    walked = both.find("pedestrianStatistics")
    assert told[0] == told[1]
    assert walked is not None and len(people) > 150 and int(walked.attrib["number"]) > 20


def test_a_walk_goes_from_street_to_meeting_street(imported: Made) -> None:
    edges = read_net(imported[0] / "net.net.xml").edges
    for walk in demand.load_demand(imported[0])["modes"]["pedestrian"]["routes"]:
        steps = [edges[name] for name in walk.split()]
        assert WALK_MIN_M <= sum(step.length_m for step in steps) <= WALK_MAX_M
        assert all({a.start, a.end} & {b.start, b.end} for a, b in pairwise(steps))
        assert all(step.permits("pedestrian") for step in steps)


def test_simulator_runs_the_peak_without_error(imported: Made, tmp_path: Path) -> None:
    """Ten minutes: every route is drivable, every stop is on its line, every loop is on its lane."""
    net = imported[0]
    demand.write(net, tmp_path / "r.rou.xml", 1, PEAK, 600)
    added = f"{net / 'stops.add.xml'},{net / 'detectors.add.xml'}"
    options = ["-n", str(net / "net.net.xml"), "-a", added, "-r", "r.rou.xml", "-b", str(PEAK), "-e", str(PEAK + 600)]
    run_tool("sumo", [*options, "--no-step-log", "--statistic-output", "s.xml", "--no-warnings"], tmp_path)
    statistics = ET.parse(tmp_path / "s.xml").getroot()
    told = statistics.find("vehicles")
    assert told is not None and int(told.attrib["inserted"]) > 250
    teleports = statistics.find("teleports")
    assert teleports is not None and int(teleports.attrib["total"]) <= 2
