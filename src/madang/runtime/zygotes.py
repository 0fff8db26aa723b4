"""The supervisor's side of the fork server: a process to wait for and to signal for each app."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import msgspec

from madang.engine.privilege import die_with_parent
from madang.runtime.zygote import MESSAGE_MAX_BYTES, Birth, Born, Gone

_MESSAGE = msgspec.json.Decoder(Born | Gone)
_LOST = Gone(0, -signal.SIGKILL, 0.0)
_BIRTH_S = 10.0


class Forked:
    """One app's process, with the face of asyncio's."""

    def __init__(self, pid: int) -> None:
        self.pid, self.cpu_s = pid, 0.0
        self.returncode: int | None = None
        self._gone = asyncio.Event()

    async def wait(self) -> int:
        await self._gone.wait()
        return int(self.returncode or 0)

    def send_signal(self, number: signal.Signals) -> None:
        """Raises ProcessLookupError when it has ended."""
        if self.returncode is not None:
            raise ProcessLookupError
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def went(self, gone: Gone) -> None:
        self.returncode, self.cpu_s = gone.code, gone.cpu_s
        self._gone.set()


class Zygotes:
    """Starts the fork server with the first app, and again with the next app after it died: its apps died with it."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._talk: socket.socket | None = None
        self._births: dict[int, asyncio.Future[Forked]] = {}
        self._alive: dict[int, Forked] = {}
        self._ticket = 0

    async def fork(self, birth: Birth, log: int) -> Forked:
        """An app's process; `log` is the handle of its output, which stays the caller's. Raises OSError, TimeoutError."""
        talk = self._open()
        self._ticket += 1
        ticket = self._ticket
        born: asyncio.Future[Forked] = asyncio.get_running_loop().create_future()
        self._births[ticket] = born
        message = msgspec.json.encode(msgspec.structs.replace(birth, ticket=ticket))
        try:
            if len(message) > MESSAGE_MAX_BYTES:
                raise OSError("an app's environment is too large")
            socket.send_fds(talk, [message], [log])
            async with asyncio.timeout(_BIRTH_S):
                return await born
        except OSError:
            self.close()
            raise
        finally:
            self._births.pop(ticket, None)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def close(self) -> None:
        """Ends it, and so all that it started."""
        if self._talk is not None:
            asyncio.get_running_loop().remove_reader(self._talk)
            self._talk.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._talk = self._process = None
        for forked in self._alive.values():
            forked.went(_LOST)
        for born in self._births.values():
            if not born.done():
                born.set_exception(ConnectionResetError("the fork server ended"))
        self._alive = {}

    def _open(self) -> socket.socket:
        if self._talk is not None:
            return self._talk
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        argv = [sys.executable, "-m", "madang.runtime.zygote", str(theirs.fileno())]
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME") if name in os.environ}
        env = kept | {"PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8"}
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with theirs, self._log.open("ab") as output:
            self._process = subprocess.Popen(
                argv, env=env, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                pass_fds=(theirs.fileno(),), preexec_fn=die_with_parent(signal.SIGKILL),
            )  # fmt: skip
        ours.setblocking(False)
        self._talk = ours
        asyncio.get_running_loop().add_reader(ours, self._hear)
        return ours

    def _hear(self) -> None:
        assert self._talk is not None
        with contextlib.suppress(BlockingIOError):
            while True:
                try:
                    message = self._talk.recv(MESSAGE_MAX_BYTES)
                except ConnectionError:
                    message = b""
                if not message:
                    return self.close()
                self._take(_MESSAGE.decode(message))

    def _take(self, told: Born | Gone) -> None:
        if isinstance(told, Gone):
            forked = self._alive.pop(told.pid, None)
            if forked is not None:
                forked.went(told)
            return
        self._alive[told.pid] = forked = Forked(told.pid)
        born = self._births.get(told.ticket)
        if born is None or born.done():
            forked.kill()  # nobody waits for it any more
        else:
            born.set_result(forked)
