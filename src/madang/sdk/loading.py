"""An app out of its folder: the folder is the package, whatever it is called on the disk."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from madang.sdk.app import App


def adopt(folder: Path, package: str) -> None:
    """Makes the folder the package of that name, without looking at what lies beside it. Raises ImportError."""
    first = folder / "__init__.py"
    if not first.is_file():
        raise ImportError(f"{folder} has no __init__.py")
    spec = importlib.util.spec_from_file_location(package, first, submodule_search_locations=[str(folder)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} is no package")
    module = importlib.util.module_from_spec(spec)
    sys.modules[package] = module
    spec.loader.exec_module(module)


@lru_cache(maxsize=8)
def load_app(folder: str, entry: str) -> App:
    """The one App of the module. Raises ImportError."""
    package = entry.partition(".")[0]
    known = sys.modules.get(package)
    if known is None or Path(folder) not in map(Path, getattr(known, "__path__", ())):
        adopt(Path(folder), package)
    return app_of(importlib.import_module(entry))


def app_of(module: ModuleType) -> App:
    """Raises ImportError."""
    found = {id(value): value for value in vars(module).values() if isinstance(value, App)}
    if len(found) != 1:
        raise ImportError(f"{module.__name__} has {len(found)} apps: one is to stand at its top, as in `app = App()`")
    return next(iter(found.values()))


def own_module() -> tuple[str, str]:
    """Folder and `package.module` of what runs as this process."""
    main = sys.modules["__main__"]
    path = Path(str(main.__file__)).resolve()
    spec = getattr(main, "__spec__", None)
    name = spec.name if spec is not None and "." in spec.name else f"{path.parent.name}.{path.stem}"
    return str(path.parent), name
