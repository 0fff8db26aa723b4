"""What an app's author is given: a first app whose tests run, classes of entity types, a recorded day."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import BadRequest, Conflict
from madang.cli.main import main
from madang.runtime.manifest import load_manifest
from madang.sdk import App
from madang.sdk.models import AirQualityObserved, OffStreetParking
from madang.sdk.testing import FakeCity
from madang.sdk.tools.new import new_app
from madang.sdk.tools.types import python_name, types_of

SCHEMA = {
    "title": "Bin",
    "allOf": [
        {"$ref": "https://somewhere/common.json#/definitions/GSMA-Commons"},
        {
            "properties": {
                "type": {"enum": ["WasteBin"]},
                "fillingLevel": {"type": "number"},
                "as": {"type": ["string", "null"]},
                "status": {"anyOf": [{"type": "string"}, {"type": "string", "format": "uri"}]},
                "odd": {"oneOf": [{"type": "string"}, {"type": "number"}]},
            }
        },
    ],
}
MADE = '''"""Entity types. Made by `madang app types`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from madang.sdk.typed import TypedEntity


@dataclass
class WasteBin(TypedEntity):
    TYPE: ClassVar[str] = "WasteBin"
    NAMES: ClassVar[dict[str, str]] = {"as_": "as"}

    as_: str | None = None
    description: str | None = None
    fillingLevel: float | None = None
    name: str | None = None
    odd: Any | None = None
    status: str | None = None
'''


def test_a_new_app_works_and_its_tests_run(tmp_path: Path) -> None:
    assert main(["app", "new", "org.example.my-air", "--into", str(tmp_path)]) == 0
    folder = tmp_path / "my_air"
    assert load_manifest(folder).id == "org.example.my-air"
    assert not [path for path in folder.rglob("*") if path.is_file() and "dusty" in path.read_text()]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=folder, capture_output=True, text=True, timeout=120
    )  # fmt: skip
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout
    with pytest.raises(Conflict):
        new_app("org.example.my-air", tmp_path)
    with pytest.raises(BadRequest):
        new_app("dusty", tmp_path)


def test_the_first_app_is_no_longer_than_25_lines() -> None:
    text = (Path(__file__).parents[2] / "src/madang/sdk/tools/template/app.py").read_text(encoding="utf-8")
    assert sum(1 for line in text.splitlines() if line.strip()) <= 25


def test_classes_are_made_of_schemas(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert types_of([SCHEMA]) == MADE
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    assert main(["app", "types", str(tmp_path / "schema.json")]) == 0
    assert capsys.readouterr().out == MADE
    (tmp_path / "none.json").write_text("[]")
    assert main(["app", "types", str(tmp_path / "none.json")]) == 1


@given(st.text(min_size=1, max_size=12))
def test_every_name_becomes_one_that_python_takes(name: str) -> None:
    assert python_name(name).isidentifier()


@given(st.floats(0, 500), st.text(max_size=9), st.booleans())
def test_a_typed_entity_comes_back_as_it_went(level: float, name: str, is_timed: bool) -> None:
    observed = {"pm25": "2026-06-01T07:00:00Z"} if is_timed else {}
    air = AirQualityObserved(id="urn:x:1", pm25=level, as_=2.0, name=name, observed=observed)
    told = air.to_json()
    assert (told["type"], told["as"], "pm10" in told) == ("AirQualityObserved", 2.0, False)
    back = AirQualityObserved.from_json(told)
    assert (back, back.observed) == (air, observed)


async def test_handlers_are_given_the_class_they_ask_for() -> None:
    app, heard = App(), []

    @app.on(OffStreetParking, where="availableSpotNumber>0")
    async def free(parking: OffStreetParking, gone: bool) -> None:
        heard.append((parking.availableSpotNumber, gone))

    @app.each(OffStreetParking)
    async def count(event: Any, state: dict[str, Any]) -> AirQualityObserved:
        return AirQualityObserved(id="urn:x:air", pm25=float(event.entity.availableSpotNumber or 0))

    async with FakeCity(app) as city:
        await city.put({"id": "urn:x:1", "type": "OffStreetParking", "availableSpotNumber": {"value": 4}})
        (lot,) = await app.query(OffStreetParking, q="availableSpotNumber==4")
    assert (heard, lot.id, city.entities["urn:x:air"]["pm25"]) == ([(4, False)], "urn:x:1", 4.0)
