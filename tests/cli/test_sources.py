"""A map is made into a city once, however many ask for it at a time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from madang.base.city import CityConfig
from madang.cli import sources
from madang.twin.importer import quiet


def test_who_comes_while_a_city_is_made_waits_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADANG_HOME", str(tmp_path))
    source, both, made = tmp_path / "map.osm", threading.Barrier(2), []
    source.write_text("a map")

    def make(city: CityConfig, path: Path, folder: Path, progress: Any) -> None:
        made.append(folder)
        folder.mkdir()
        (folder / "import.json").write_text("{}")

    def ask(_: int) -> Path:
        both.wait(10)
        return sources.imported(city, source, quiet)

    monkeypatch.setattr(sources, "import_city", make)
    city = CityConfig("yard", {"en": "Yard", "ko": "마당"}, "UTC", "")
    with ThreadPoolExecutor(2) as pool:
        folders = list(pool.map(ask, range(2)))
    assert (len(made), set(folders)) == (1, set(made))
