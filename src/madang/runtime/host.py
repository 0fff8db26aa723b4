"""Apps' processes in the supervisor: started by the fork server, bounded, watched, and told of. It decides nothing about rights.

What happens to an app is an event: `{"seq", "at", "app", "kind", "detail"}`. Kinds: crashed, held, out_of_memory, too_many_processes,
storage_full, refused (a file, a system call, a process of somebody else's).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import time
from collections import deque
from pathlib import Path
from typing import Any

import msgspec

from madang.base.limits import APP_CRASHES_MAX, APP_EVENTS_MAX
from madang.engine.privilege import APP_UID, is_root
from madang.engine.supervisor import Process, Spec, Supervised, Supervisor
from madang.runtime.cgroups import Group, Tree, Used, open_tree
from madang.runtime.denials import Denial, listen
from madang.runtime.launch import readable
from madang.runtime.logs import AppLog, log_path
from madang.runtime.sandbox import FILE_MAX_BYTES, PROCESSES_MAX, Confinement, level
from madang.runtime.storage import size_of
from madang.runtime.zygote import Birth
from madang.runtime.zygotes import Forked, Zygotes

TICK_S = 0.2
LOOK_TICKS = 5  # who is busy is looked at each tick, everybody else each so many
BUSY_CPU_S = 0.02
_SAME_S = 60.0  # one event for the same thing within


class Order(msgspec.Struct, frozen=True):
    """What the gateway asks to be started. `uid`: the app's own user; `links`: further folders it may read; `python`: the
    interpreter of its virtual environment."""

    app: str
    folder: str
    entry: str
    data: str
    env: dict[str, str]
    uid: int = APP_UID
    cpu: float = 0.5
    memory_mb: int = 256
    storage_mb: int = 256
    links: list[str] = []
    python: str = ""


class Hosted:
    """What is known of one app beside its process."""

    def __init__(self, order: Order, group: Group | None, log: AppLog) -> None:
        self.order, self.group, self.log = order, group, log
        self.used = Used(0.0, 0, 0, 0, 0, "")
        self.ended_cpu_s = 0.0
        self.storage_bytes = 0
        self.storage_byte_s = 0.0
        self.looked_s = time.monotonic()
        self.busy = True
        self.process: Forked | None = None


class Host:
    """The apps of one instance."""

    def __init__(self, run_dir: Path, supervisor: Supervisor) -> None:
        self._run_dir, self._supervisor = run_dir, supervisor
        self._groups: Tree | None = None
        self._zygotes = Zygotes(run_dir / "logs" / "zygote.log")
        self._hosted: dict[str, Hosted] = {}
        self._events: deque[dict[str, Any]] = deque(maxlen=20 * APP_EVENTS_MAX)
        self._last: dict[tuple[str, str, str], float] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._seq = 0
        self._epoch = f"{os.getpid()}:{time.time_ns()}"

    def open(self) -> None:
        """Probes what this machine has. Only inside a running loop."""
        digest = hashlib.sha256(str(self._run_dir.resolve()).encode()).hexdigest()[:12]
        self._groups = open_tree(f"madang-{digest}") if is_root() else None
        self._keep(self._watch())
        self._keep(listen(self._denied))

    async def close(self) -> None:
        """After the supervisor has stopped the apps."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._zygotes.close()
        if self._groups is not None:
            await asyncio.to_thread(self._groups.remove)

    @property
    def level(self) -> int:
        return level(self._groups)

    async def start(self, order: Order) -> None:
        """Starts it, anew when it runs. Raises OSError when its bounds cannot be set."""
        name = f"app:{order.app}"
        await self._supervisor.remove(name)
        group = self._groups.group(order.app) if self._groups is not None else None
        if group is not None:
            await asyncio.to_thread(group.kill)
            group.make(order.cpu, order.memory_mb, PROCESSES_MAX)
        before = self._hosted.get(order.app)
        hosted = Hosted(order, group, AppLog(log_path(self._run_dir, order.app)))
        if before is not None:
            hosted.ended_cpu_s, hosted.storage_byte_s = before.ended_cpu_s, before.storage_byte_s
            hosted.used = before.used
        self._hosted[order.app] = hosted
        spec = Spec(
            name,
            [],
            spawn=lambda: self._spawn(hosted),
            ended=lambda code: self._ended(hosted, code),
            crashes_max=APP_CRASHES_MAX,
        )
        self._supervisor.add(spec).start()

    async def stop(self, app_id: str) -> None:
        member = self._member(app_id)
        if member is not None:
            await member.stop()
        await self._clear(app_id)

    async def remove(self, app_id: str) -> None:
        await self._supervisor.remove(f"app:{app_id}")
        await self._clear(app_id)
        hosted = self._hosted.pop(app_id, None)
        if hosted is not None and hosted.group is not None:
            await asyncio.to_thread(hosted.group.remove)
        AppLog(log_path(self._run_dir, app_id)).remove()

    def report(self, after: int) -> dict[str, Any]:
        """What the apps used, and the events after that number."""
        return {
            "level": self.level,
            "used": {app_id: self._usage(one) for app_id, one in self._hosted.items()},
            "events": [event for event in self._events if event["seq"] > after],
            "epoch": self._epoch,
        }

    def _usage(self, hosted: Hosted) -> dict[str, Any]:
        grouped = hosted.group is not None
        return {
            "cpu_s": hosted.used.cpu_s if grouped else hosted.ended_cpu_s,
            "cpu_source": hosted.used.source if grouped else self._epoch,
            "memory_bytes": hosted.used.memory_bytes,
            "processes": hosted.used.processes,
            "storage_bytes": hosted.storage_bytes,
            "storage_byte_s": hosted.storage_byte_s,
        }

    async def _spawn(self, hosted: Hosted) -> Process:
        order = hosted.order
        ours, theirs = hosted.log.open()
        self._keep(hosted.log.follow(ours))
        entrances = [str(one) for one in hosted.group.entrances] if hosted.group is not None else []
        folder = Path(order.folder)
        wall = Confinement(
            order.uid, readable(folder, *map(Path, order.links)), [order.data], entrances,
            min(FILE_MAX_BYTES, order.storage_mb << 20), PROCESSES_MAX,
        )  # fmt: skip
        try:
            birth = Birth(0, order.folder, order.entry, order.data, order.env, wall, order.python)
            hosted.process = await self._zygotes.fork(birth, theirs)
        finally:
            os.close(theirs)
        return hosted.process

    def _ended(self, hosted: Hosted, code: int | str | None) -> None:
        if hosted.process is not None:
            hosted.ended_cpu_s += hosted.process.cpu_s
        hosted.process = None
        if hosted.group is not None:
            self._keep(asyncio.to_thread(hosted.group.kill))
        member = self._member(hosted.order.app)
        if member is not None and member.state.state not in ("stopping", "stopped"):
            self._tell(hosted.order.app, "crashed", f"{code}")

    async def _clear(self, app_id: str) -> None:
        """Nothing that the app started outlives it."""
        hosted = self._hosted.get(app_id)
        if hosted is not None and hosted.group is not None:
            await asyncio.to_thread(hosted.group.kill)

    async def _watch(self) -> None:
        tick = 0
        while True:
            await asyncio.sleep(TICK_S)
            tick += 1
            for at, (app_id, hosted) in enumerate(list(self._hosted.items())):
                if hosted.busy or (tick + at) % LOOK_TICKS == 0:
                    with contextlib.suppress(OSError):
                        await self._look(app_id, hosted)

    async def _look(self, app_id: str, hosted: Hosted) -> None:
        before, now = hosted.used, time.monotonic()
        if hosted.group is not None:
            hosted.used = hosted.group.used()
            if hosted.used.source == before.source:
                if hosted.used.killed > before.killed:
                    self._tell(app_id, "out_of_memory", f"{hosted.order.memory_mb} MiB")
                if hosted.used.refused > before.refused:
                    self._tell(app_id, "too_many_processes", f"{PROCESSES_MAX}")
        hosted.busy = hosted.used.cpu_s > before.cpu_s + BUSY_CPU_S
        if hosted.group is None or hosted.used.cpu_s > before.cpu_s:  # who does nothing writes nothing
            hosted.storage_bytes = await asyncio.to_thread(size_of, Path(hosted.order.data))
        hosted.storage_byte_s += hosted.storage_bytes * (now - hosted.looked_s)
        hosted.looked_s = now
        member = self._member(app_id)
        if (
            hosted.storage_bytes > hosted.order.storage_mb << 20
            and member is not None
            and member.state.state == "running"
        ):
            detail = f"{hosted.storage_bytes >> 20} of {hosted.order.storage_mb} MiB"
            self._tell(app_id, "storage_full", detail)
            await member.hold(f"storage full: {detail}")
            await self._clear(app_id)
        elif member is not None and member.state.state == "held":
            self._tell(app_id, "held", member.state.detail)

    def _denied(self, denial: Denial) -> None:
        for app_id, hosted in self._hosted.items():
            if hosted.order.uid == denial.uid and denial.uid != APP_UID:
                self._tell(app_id, "refused", f"{denial.what} {denial.whom}".strip())

    def _tell(self, app_id: str, kind: str, detail: str) -> None:
        now, key = time.time(), (app_id, kind, detail)
        if now - self._last.get(key, 0.0) < _SAME_S:
            return
        if len(self._last) > 20 * APP_EVENTS_MAX:
            self._last.clear()
        self._last[key] = now
        self._seq += 1
        self._events.append({"seq": self._seq, "at": now, "app": app_id, "kind": kind, "detail": detail})

    def _member(self, app_id: str) -> Supervised | None:
        return self._supervisor.members.get(f"app:{app_id}")

    def _keep(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
