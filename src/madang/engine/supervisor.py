"""Keeps the processes of one instance alive, and answers questions about them on a private socket.

A process that ends by itself is started again after a back-off; one that keeps dying is shown as `crashed` and tried
again ever more slowly, never given up unless its spec says so: then it is `held`. The kernel ends every child when the supervisor
dies. Needs the plain asyncio loop:
uvloop cannot start a child as another user.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import structlog

from madang.engine.privilege import die_with_parent, drop_args

log = structlog.get_logger()
BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
STABLE_S = 20.0
STOP_TIMEOUT_S = 10.0
LOG_MAX_BYTES = 10 * 1024 * 1024


class Process(Protocol):
    """What is asked of a started process; asyncio's has it."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    async def wait(self) -> int: ...

    def send_signal(self, number: signal.Signals, /) -> None: ...

    def kill(self) -> None: ...


@dataclass(frozen=True)
class Spec:
    """One process: how to start it, who it runs as, how to ask it to stop, and how to know that it is ready.

    `fds`: open files it inherits under the same numbers. `spawn`: how it is started when not by `argv`; it then keeps its own log.
    `ended`: called after each end. `crashes_max`: after so many in a row it is held."""

    name: str
    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)
    uid: int | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    ready: Callable[[], Awaitable[bool]] | None = None
    prepare: Callable[[], None] | None = None
    cwd: str = "/"
    inherit_env: bool = True
    fds: tuple[int, ...] = ()
    spawn: Callable[[], Awaitable[Process]] | None = None
    ended: Callable[[int | str | None], None] | None = None
    crashes_max: int | None = None


@dataclass
class State:
    """What is known of a process. `state` is one of starting, running, stopping, stopped, crashed, held."""

    state: str = "stopped"
    since: float = 0.0
    restarts: int = 0
    pid: int | None = None
    detail: str = ""

    def to(self, state: str, detail: str = "") -> None:
        self.state, self.since, self.detail = state, time.time(), detail


class Supervised:
    """One spec being kept alive."""

    def __init__(self, spec: Spec, log_dir: Path) -> None:
        self.spec = spec
        self.state = State()
        self.process: Process | None = None
        self._log_path = log_dir / f"{spec.name.replace(':', '-').replace('/', '-')}.log"
        self._task: asyncio.Task[None] | None = None
        self._wanted = False
        self._up = asyncio.Event()

    def start(self) -> None:
        self._wanted = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._keep(), name=f"keep {self.spec.name}")

    async def wait_ready(self, timeout_s: float) -> None:
        """Raises TimeoutError."""
        await asyncio.wait_for(self._up.wait(), timeout_s)

    async def hold(self, detail: str) -> None:
        """Stops it until somebody starts it again."""
        await self.stop()
        self.state.to("held", detail)

    async def stop(self) -> None:
        self._wanted = False
        process = self.process
        if process is not None and process.returncode is None:
            self.state.to("stopping")
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(self.spec.stop_signal)
            try:
                await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._up.clear()
        self.state.to("stopped")

    async def _keep(self) -> None:
        failures = 0
        while self._wanted:
            began = time.monotonic()
            self.state.to("starting")
            try:
                code = await self._run_once()
            except OSError as error:
                code = str(error)
            self._up.clear()
            if self.spec.ended is not None:
                self.spec.ended(code)
            if not self._wanted:
                return
            failures = 0 if time.monotonic() - began > STABLE_S else failures + 1
            if self.spec.crashes_max is not None and failures >= self.spec.crashes_max:
                self.state.to("held", f"ended with {code}, {failures} times in a row")
                return
            self.state.restarts += 1
            delay = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
            self.state.to("crashed", f"ended with {code}; again in {delay:g} s")
            log.warning("process ended", process=self.spec.name, code=code, again_in_s=delay)
            await asyncio.sleep(delay)

    async def _run_once(self) -> int | str | None:
        spec = self.spec
        if spec.prepare is not None:
            await asyncio.to_thread(spec.prepare)
        self.process = await (spec.spawn() if spec.spawn is not None else self._execute())
        self.state.pid = self.process.pid
        watcher = asyncio.create_task(self._watch_ready())
        try:
            return await self.process.wait()
        finally:
            watcher.cancel()
            self.state.pid = None

    async def _execute(self) -> Process:
        spec = self.spec
        with self._open_log() as output:
            return await asyncio.create_subprocess_exec(
                *spec.argv,
                env={**(os.environ if spec.inherit_env else {}), **spec.env},
                cwd=spec.cwd,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=spec.fds,
                preexec_fn=die_with_parent(spec.stop_signal),
                **(drop_args(spec.uid) if spec.uid is not None else {}),
            )

    async def _watch_ready(self) -> None:
        while self.spec.ready is not None and not await _quietly(self.spec.ready):
            await asyncio.sleep(0.05)
        self.state.to("running")
        self._up.set()

    def _open_log(self) -> Any:
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        if self._log_path.exists() and self._log_path.stat().st_size > LOG_MAX_BYTES:
            self._log_path.replace(self._log_path.with_suffix(".log.1"))
        return self._log_path.open("ab")


async def _quietly(check: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await check()
    except Exception:  # a probe of a half-started process may fail in any way; it is asked again
        return False


class Supervisor:
    """The processes of one instance by name, in the order they were added."""

    def __init__(self, log_dir: Path) -> None:
        self.log_dir = log_dir
        self.members: dict[str, Supervised] = {}

    def add(self, spec: Spec) -> Supervised:
        """Adds or replaces the stopped process of that name."""
        old = self.members.get(spec.name)
        member = Supervised(spec, self.log_dir)
        if old is not None:
            member.state.restarts = old.state.restarts
        self.members[spec.name] = member
        return member

    async def run(self, spec: Spec, timeout_s: float = 30.0) -> Supervised:
        """Adds, starts and waits until ready. Raises TimeoutError naming the process and its log."""
        member = self.add(spec)
        member.start()
        try:
            await member.wait_ready(timeout_s)
        except TimeoutError:
            raise TimeoutError(f"{spec.name} is not ready after {timeout_s:g} s; see {member._log_path}") from None
        return member

    async def remove(self, name: str) -> None:
        member = self.members.pop(name, None)
        if member is not None:
            await member.stop()

    async def stop(self) -> None:
        """Stops all, last started first."""
        for member in reversed(list(self.members.values())):
            await member.stop()

    def status(self) -> dict[str, dict[str, Any]]:
        return {
            name: {
                "state": member.state.state,
                "since": member.state.since,
                "restarts": member.state.restarts,
                "pid": member.state.pid,
                "detail": member.state.detail,
            }
            for name, member in self.members.items()
        }
