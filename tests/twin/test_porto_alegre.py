"""A whole large city from a file that is not ours: what the map has is there, counted by another reader."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import osmium
import pytest
from tests.conftest import shared

from madang.base.city import load_city
from madang.twin.importer import import_city

from .conftest import ROOT

NODES = {
    ("highway", "bus_stop"): "PublicTransportStop",
    ("railway", "subway_entrance"): "StationEntrance",
    ("highway", "traffic_signals"): "signal nodes that were joined into controllers",
}


def count_nodes(map_file: Path) -> Counter[str]:
    nodes = (thing for thing in osmium.FileProcessor(str(map_file)) if thing.is_node())
    return Counter(NODES[pair] for node in nodes for tag in node.tags if (pair := (tag.k, tag.v)) in NODES)


@pytest.mark.nightly
def test_porto_alegre_is_imported_whole(tmp_path: Path) -> None:
    pytest.importorskip("sumo", reason="the traffic simulator (eclipse-sumo) is not installed")
    map_file = shared("osm/porto-alegre.osm.pbf")
    report = import_city(load_city(ROOT / "cities" / "porto-alegre" / "city.toml"), map_file, tmp_path)
    found = report.entities | report.left_out
    lines = (tmp_path / "entities.ndjson").read_bytes().count(b"\n")
    assert {name: found[name] for name in NODES.values()} == dict(count_nodes(map_file))
    assert report.entities == {
        "Building": 19, "RoadSegment": 12326, "PublicTransportStop": 1054, "StationEntrance": 6, "TrafficSignalController": 676,
        "TrafficFlowObserved": 5938, "Address": 16, "PointOfInterest": 67,
    }  # fmt: skip
    assert (lines, report.traffic["edges"], report.traffic["signals"]) == (sum(report.entities.values()), 25066, 676)
