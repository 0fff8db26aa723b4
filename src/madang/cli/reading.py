"""One file of others, in a process that is confined before it reads it: `python -m madang.cli.reading FOLDER`, which holds the file,
and into which its table and its report are written."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from madang.base.limits import LAKE_FILE_MAX_BYTES, LAKE_READING_MEMORY_BYTES
from madang.engine.privilege import APP_UID, die_with_parent
from madang.runtime.launch import readable
from madang.runtime.sandbox import Confinement, enter

_FURTHER = ("/proc/meminfo", "/proc/cpuinfo", "/sys/fs/cgroup", "/sys/devices/system/cpu", "/usr/share/zoneinfo")


def main() -> None:
    folder = Path(sys.argv[1])
    known = [Path(one) for one in _FURTHER if Path(one).exists()]
    wall = Confinement(
        APP_UID, readable(folder, *known), [str(folder)], file_max_bytes=4 * LAKE_FILE_MAX_BYTES,
        address_space_bytes=LAKE_READING_MEMORY_BYTES,
    )  # fmt: skip
    enter(wall)
    die_with_parent(signal.SIGKILL)()
    os.chdir(folder)
    from madang.lake.files.reading import read_arrival  # what reads is loaded behind the walls

    read_arrival(folder)


if __name__ == "__main__":
    main()
