"""The whole import on the real map of Helsinki."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from madang.base.city import CityConfig, load_city, source_path
from madang.base.errors import BadRequest
from madang.twin.importer import STEPS, ImportReport, content_id, import_city, load_report

from .conftest import ROOT, helsinki_file

Made = tuple[Path, ImportReport]


def entities(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "entities.ndjson").read_text(encoding="utf-8").splitlines()]


def test_counts_are_those_of_the_map(imported: Made) -> None:
    counts = imported[1].entities
    assert counts["FireHydrant"] == 37
    assert counts["BikeHireDockingStation"] == 15
    assert counts["StationEntrance"] == 33
    assert counts["Building"] == 448
    stops = [e for e in entities(imported[0]) if e["type"] == "PublicTransportStop"]
    modes = Counter(mode for stop in stops for mode in stop["transportationType"])
    assert modes == {"bus": 92, "tram": 40}


def test_every_id_is_of_the_city_and_unique(imported: Made) -> None:
    ids = [e["id"] for e in entities(imported[0])]
    assert len(ids) == len(set(ids)) == sum(imported[1].entities.values())
    assert all(i.startswith("urn:ngsi-ld:") and i.split(":")[3] == "helsinki" for i in ids)


def test_everything_has_a_place_in_or_near_the_box(imported: Made) -> None:
    west, south, east, north = imported[1].bbox
    for entity in entities(imported[0]):
        where = entity["location"]["coordinates"]
        while isinstance(where[0], list):
            where = where[0]
        assert west - 0.01 < where[0] < east + 0.01 and south - 0.01 < where[1] < north + 0.01, entity["id"]


def test_buildings_tell_how_their_height_is_known(imported: Made) -> None:
    buildings = [e for e in entities(imported[0]) if e["type"] == "Building"]
    assert {b["height"]["heightSource"] for b in buildings} == {"height", "levels", "parts", "median", "default"}
    assert all(2 < b["height"]["value"] < 120 for b in buildings)
    assert any(b["location"]["type"] == "Polygon" and len(b["location"]["coordinates"]) > 1 for b in buildings)


def test_same_input_gives_the_same_bytes(imported: Made, helsinki: CityConfig, tmp_path: Path) -> None:
    again = import_city(helsinki, helsinki_file(), tmp_path)
    assert again == imported[1]
    for name in ("entities.ndjson", "net.net.xml", "detectors.add.xml", "stops.add.xml", "demand/demand.json"):
        assert (tmp_path / name).read_bytes() == (imported[0] / name).read_bytes(), name


def test_report_attributes_the_source_and_lists_what_was_left_out(imported: Made) -> None:
    report = load_report(imported[0])
    assert "OpenStreetMap" in report["attribution"] and "odbl" in report["licence"]
    assert report["left_out"]["building: outline not closed within the extract"] == 52
    assert report["content"] == imported[1].content


def test_no_path_of_this_machine_in_what_is_made(imported: Made) -> None:
    for file in imported[0].rglob("*.xml"):
        assert "site-packages" not in file.read_text(encoding="utf-8")


def test_tiles_are_pmtiles_with_all_layers_and_attribution(imported: Made) -> None:
    raw = (imported[0] / "city.pmtiles").read_bytes()
    assert raw[:7] == b"PMTiles"
    assert set(imported[1].tiles) == {"land", "road", "rail", "building", "place"}


def test_progress_runs_through_the_named_steps(tmp_path: Path, helsinki: CityConfig, imported: Made) -> None:
    said: list[tuple[str, float]] = []
    import_city(helsinki, helsinki_file(), tmp_path, lambda step, share: said.append((step, share)))
    assert [step for step, _ in said] == list(STEPS)
    assert [share for _, share in said] == sorted(share for _, share in said)


def test_content_name_follows_file_and_settings(helsinki: CityConfig) -> None:
    other = load_city(ROOT / "cities" / "porto-alegre" / "city.toml")
    file = helsinki_file()
    assert content_id(file, helsinki) == content_id(file, helsinki) != content_id(file, other)


@pytest.mark.parametrize("content", [b"", b"no map at all", b"<html></html>"])
def test_a_file_that_is_no_map_is_refused(content: bytes, tmp_path: Path, helsinki: CityConfig) -> None:
    file = tmp_path / "x.osm.pbf"
    file.write_bytes(content)
    with pytest.raises(BadRequest):
        import_city(helsinki, file, tmp_path / "out")
    assert not (tmp_path / "out" / "import.json").exists()


def test_a_source_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no map file"):
        source_path("nothing.osm.pbf", tmp_path)
    with pytest.raises(BadRequest, match="not installed"):
        source_path("no-such-wheel:x.pbf", tmp_path)
