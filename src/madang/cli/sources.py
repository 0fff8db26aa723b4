"""What was made of maps: imported once, kept by content."""

from __future__ import annotations

from pathlib import Path

from madang.base.city import CityConfig
from madang.engine.settings import home_dir
from madang.twin.importer import Progress, content_id, import_city


def imported(city: CityConfig, source: Path, progress: Progress) -> Path:
    """The folder of the city made from this map; made now if it is not there yet."""
    folder = home_dir() / "cities" / city.id / content_id(source, city)
    if not (folder / "import.json").exists():
        import_city(city, source, folder, progress)
    return folder
