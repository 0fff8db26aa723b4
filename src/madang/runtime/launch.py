"""The first thing an app's process does: confine itself, then run the app. `python -m madang.runtime.launch FOLDER ENTRY DATA`."""

from __future__ import annotations

import os
import runpy
import sys
import sysconfig
from pathlib import Path

from madang.engine.privilege import APP_UID
from madang.runtime.sandbox import enter

SYSTEM = (
    "/usr",
    "/lib",
    "/lib64",
    "/etc/ssl",
    "/etc/localtime",
    "/etc/hosts",
    "/dev/null",
    "/dev/urandom",
    "/proc/self",
)


def python_folders() -> list[Path]:
    """Where this Python and its packages lie, the interpreter's own and the virtual environment's."""
    names = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), str(Path(__file__).resolve().parents[2])}
    return [Path(name).resolve() for name in names]


def main() -> None:
    folder, entry, data = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    enter(APP_UID, [*python_folders(), *map(Path, SYSTEM), folder], [data])
    os.chdir(data)
    sys.path.insert(0, str(folder))
    sys.argv = [str(folder / entry)]
    runpy.run_path(str(folder / entry), run_name="__main__")


if __name__ == "__main__":
    main()
