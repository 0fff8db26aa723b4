"""One question of the lake, in a process that is confined before it reads it: `python -m madang.cli.asking FOLDER...`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from madang.engine.privilege import APP_UID, die_with_parent
from madang.runtime.launch import readable
from madang.runtime.sandbox import Confinement, enter

_FURTHER = ("/proc/meminfo", "/proc/cpuinfo", "/sys/fs/cgroup", "/sys/devices/system/cpu")


def main() -> None:
    first, *more = (Path(one) for one in sys.argv[1:])
    known = [Path(one) for one in _FURTHER if Path(one).exists()]
    enter(Confinement(APP_UID, readable(first, *more, *known), []))
    die_with_parent(signal.SIGKILL)()
    os.chdir("/usr")
    from madang.lake.sql.worker import main as work  # DuckDB too is loaded behind the walls

    work()


if __name__ == "__main__":
    main()
