"""Demand: same seed, same day; and the real simulator swallows it."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from madang.twin.importer import ImportReport
from madang.twin.traffic import demand
from madang.twin.traffic.convert import run_tool

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
    assert set(peak) == {"car", "bicycle", "bus", "tram"}
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
