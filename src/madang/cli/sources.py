"""What was made of maps: imported once, kept by content."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from madang.base.city import CityConfig
from madang.engine.settings import home_dir
from madang.twin.importer import Progress, content_id, import_city


def imported(city: CityConfig, source: Path, progress: Progress) -> Path:
    """The folder of the city made from this map; made now if it is not there yet. Who comes while another process makes it
    waits for that one."""
    folder = home_dir() / "cities" / city.id / content_id(source, city)
    if not (folder / "import.json").exists():
        with _alone(folder):
            if not (folder / "import.json").exists():
                import_city(city, source, folder, progress)
    return folder


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """The kernel frees the lock at any death."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
