"""Control groups: how much memory, processor and how many processes an app has, and what it used. Version 2 or 1, as mounted.

With version 2 Madang needs a group of its own that it may divide (systemd: `Delegate=yes`)."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

PERIOD_US = 100_000
_NEEDED = ("memory", "pids", "cpu")
_END_S = 2.0


@dataclass(frozen=True)
class Used:
    """Of one group since it was made: `cpu_s`; `memory_bytes` now; how often memory ended (`killed`) and a process was refused
    (`refused`). `source` is another whenever counting began anew."""

    cpu_s: float
    memory_bytes: int
    processes: int
    killed: int
    refused: int
    source: str


class Group:
    """One app's. `folders`: by controller; of version 2 all the same."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self._folders = folders
        self.is_v2 = len(set(folders.values())) == 1

    @property
    def entrances(self) -> list[Path]:
        """Files into which a process writes its id to enter."""
        return [folder / "cgroup.procs" for folder in dict.fromkeys(self._folders.values())]

    def make(self, cpu: float, memory_mb: int, processes: int) -> None:
        """Makes the group, or bounds it anew. Raises OSError."""
        for folder in self._folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        memory, quota_us = memory_mb << 20, int(cpu * PERIOD_US)
        if self.is_v2:
            self._write("memory", "memory.max", f"{memory}")
            self._write("cpu", "cpu.max", f"{quota_us} {PERIOD_US}")
            with contextlib.suppress(OSError):
                self._write("memory", "memory.swap.max", "0")
        else:
            self._write("memory", "memory.limit_in_bytes", f"{memory}")
            self._write("cpu", "cpu.cfs_period_us", f"{PERIOD_US}")
            self._write("cpu", "cpu.cfs_quota_us", f"{quota_us}")
        self._write("pids", "pids.max", f"{processes}")

    def used(self) -> Used:
        """Raises OSError when it is not there."""
        pids = self._folders["pids"]
        source = f"{pids.stat().st_ino}:{pids.stat().st_ctime_ns}"
        if self.is_v2:
            cpu_s = _numbers(self._read("cpu", "cpu.stat"))["usage_usec"] / 1e6
            memory = int(self._read("memory", "memory.current"))
            killed = _numbers(self._read("memory", "memory.events")).get("oom_kill", 0)
        else:
            cpu_s = int(self._read("cpuacct", "cpuacct.usage")) / 1e9
            memory = int(self._read("memory", "memory.usage_in_bytes"))
            killed = _numbers(self._read("memory", "memory.oom_control")).get("oom_kill", 0)
        refused = _numbers(self._read("pids", "pids.events")).get("max", 0)
        return Used(cpu_s, memory, int(self._read("pids", "pids.current")), killed, refused, source)

    def kill(self) -> None:
        """Ends every process in it; forks meanwhile are ended too. Returns when it is empty, or after two seconds."""
        until = time.monotonic() + _END_S
        while (found := self._processes()) and time.monotonic() < until:
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)

    def remove(self) -> None:
        self.kill()
        for folder in dict.fromkeys(self._folders.values()):
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _processes(self) -> list[int]:
        try:
            return [int(line) for line in self._read("pids", "cgroup.procs").split()]
        except OSError:
            return []

    def _write(self, controller: str, name: str, text: str) -> None:
        (self._folders[controller] / name).write_text(text)

    def _read(self, controller: str, name: str) -> str:
        return (self._folders[controller] / name).read_text()


class Tree:
    """Where the groups of one instance's apps are."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self._folders = folders

    def group(self, name: str) -> Group:
        return Group({controller: folder / name for controller, folder in self._folders.items()})

    def remove(self) -> None:
        """With every group in it, and what runs in them."""
        top = self._folders["pids"]
        for path in top.iterdir() if top.is_dir() else ():
            if path.is_dir():
                self.group(path.name).remove()
        for folder in dict.fromkeys(self._folders.values()):
            with contextlib.suppress(OSError):
                folder.rmdir()


def open_tree(
    name: str, mounts: Path = Path("/proc/self/mounts"), own: Path = Path("/proc/self/cgroup")
) -> Tree | None:
    """A tree of that name below this process's own groups; None where this user may make none."""
    try:
        places = _places(mounts.read_text(), own.read_text())
    except OSError:
        return None
    if not places:
        return None
    folders = {controller: place / name for controller, place in places.items()}
    try:
        for folder in dict.fromkeys(folders.values()):
            folder.mkdir(exist_ok=True)
        if len(set(folders.values())) == 1:
            _divide(next(iter(folders.values())))
    except OSError:
        return None
    return Tree(folders)


def _places(mounts: str, own: str) -> dict[str, Path]:
    """This process's own group for each controller that is needed, of version 1 where it has them all, else of version 2."""
    mine: dict[str, str] = {}
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        mine |= {one: path for one in controllers.split(",")}
    first: dict[str, Path] = {}
    second: Path | None = None
    for line in mounts.splitlines():
        _, point, kind, options, *_ = line.split(" ")
        if kind == "cgroup":
            found = [one for one in options.split(",") if one in (*_NEEDED, "cpuacct")]
            first |= {one: Path(point) / mine.get(one, "/").lstrip("/") for one in found}
        elif kind == "cgroup2":
            second = Path(point) / mine.get("", "/").lstrip("/")
    if len(first) == 4:
        return first
    return dict.fromkeys((*_NEEDED, "cpuacct"), second) if second is not None else {}


def _divide(folder: Path) -> None:
    """Lets groups inside have the controllers. Raises OSError where the group above does not share them."""
    needed = " ".join(f"+{one}" for one in _NEEDED)
    (folder.parent / "cgroup.subtree_control").write_text(needed)
    (folder / "cgroup.subtree_control").write_text(needed)


def _numbers(text: str) -> dict[str, int]:
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}
