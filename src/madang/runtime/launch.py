"""The first thing an app's process does: confine itself, then run the app.

`python -m madang.runtime.launch FOLDER PACKAGE.MODULE DATA`
"""

from __future__ import annotations

import importlib.util
import os
import runpy
import signal
import sys
import sysconfig
from pathlib import Path

from madang.engine.privilege import APP_UID, die_with_parent
from madang.runtime.sandbox import WASM, Confinement, enter

SYSTEM = (
    "/usr",
    "/lib",
    "/lib64",
    "/etc/ssl",
    "/etc/localtime",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/locale.alias",
    "/etc/nsswitch.conf",
    "/etc/mime.types",
    "/dev/null",
    "/dev/urandom",
    "/proc/self",
)


def python_folders() -> list[Path]:
    """Where this Python and its packages lie, the interpreter's own and the virtual environment's."""
    names = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), str(Path(__file__).resolve().parents[2])}
    return [Path(name).resolve() for name in names]


def readable(folder: Path, *further: Path) -> list[str]:
    """What an app of that folder may read."""
    return [str(path) for path in (*python_folders(), *map(Path, SYSTEM), folder, *further)]


def adopt(folder: Path, package: str) -> None:
    """Makes the folder the package of that name, without looking at what lies beside it."""
    spec = importlib.util.spec_from_file_location(
        package, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} is no package")
    module = importlib.util.module_from_spec(spec)
    sys.modules[package] = module
    spec.loader.exec_module(module)


def run(folder: Path, entry: str, data: Path) -> None:
    """The app, in a process that is confined already."""
    os.chdir(data)
    if entry.endswith(WASM):
        sys.argv = [entry, str(folder)]
        runpy.run_module("madang.sdk.wasm", run_name="__main__")
        return
    sys.argv = [entry]
    adopt(folder, entry.partition(".")[0])
    runpy.run_module(entry, run_name="__main__", alter_sys=True)


def main() -> None:
    folder, entry, data = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    enter(Confinement(APP_UID, readable(folder), [str(data)]))
    die_with_parent(signal.SIGTERM)()  # the kernel forgot the supervisor's wish when the user changed
    run(folder, entry, data)


if __name__ == "__main__":
    main()
