"""Where city configurations and first-party apps lie: beside the sources, or in the wheel."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from madang.base.city import CityConfig, load_city
from madang.base.errors import BadRequest


def folder_of(name: str) -> Path:
    """The `cities` or `apps` folder. Raises BadRequest when this installation has none."""
    beside = Path(__file__).resolve().parents[3] / name
    if beside.is_dir() and (beside.parent / "pyproject.toml").exists():
        return beside
    spec = find_spec(f"madang_{name}")
    if spec is not None and spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    raise BadRequest(f"this installation has no {name}")


def city_path(name: str) -> Path:
    """The city.toml of a known city's id, or of a folder or file named by path."""
    given = Path(name)
    if given.is_file():
        return given.resolve()
    if (given / "city.toml").is_file():
        return (given / "city.toml").resolve()
    return folder_of("cities") / name / "city.toml"


def find_city(name: str) -> CityConfig:
    """Raises BadRequest."""
    return load_city(city_path(name))


def first_party_apps() -> list[Path]:
    """Folders with an app.toml."""
    return sorted(path.parent for path in folder_of("apps").glob("*/app.toml"))
