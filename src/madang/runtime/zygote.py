"""The fork server of apps: Python and the SDK are loaded once, and each app is a fork of that, confined before any code of its own.

One thread, no loop, no network. It speaks with `zygotes.py` over a socket pair: `Birth` with the handle of the log in, `Born` and `Gone`
out, each one message of JSON. It ends when the other side does, and its children end with it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import msgspec

from madang.engine.privilege import die_with_parent
from madang.runtime.launch import run
from madang.runtime.sandbox import Confinement, enter, leave_the_network

LOADED = (
    "cronsim", "madang.sdk.engines", "madang.sdk.pages", "madang.sdk.starting", "madang.sdk.store", "madang.sdk.streams",
    "msgspec", "sqlite3",
)  # fmt: skip
"""What every app needs is loaded before the first is born."""
MESSAGE_MAX_BYTES = 128 * 1024
NOT_CONFINED = 70


class Birth(msgspec.Struct, frozen=True):
    """An app to be started. `ticket`: by which the answer is known. `python`: the interpreter of the app's own virtual environment."""

    ticket: int
    folder: str
    entry: str
    data: str
    env: dict[str, str]
    wall: Confinement
    python: str = ""


class Born(msgspec.Struct, frozen=True, tag=True):
    ticket: int
    pid: int


class Gone(msgspec.Struct, frozen=True, tag=True):
    """`code`: as of subprocess, below 0 the signal. `cpu_s`: of it and all it waited for."""

    pid: int
    code: int
    cpu_s: float


def serve(talk: socket.socket) -> None:
    """Until the other side hangs up."""
    leave_the_network()
    for name in LOADED:
        importlib.import_module(name)
    awake, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    gc.collect()
    gc.freeze()
    while True:
        ready, _, _ = select.select([talk.fileno(), awake], [], [])
        if awake in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(awake, 4_096)
            for gone in _reap():
                talk.send(msgspec.json.encode(gone))
        if talk.fileno() in ready:
            message, handles, _, _ = socket.recv_fds(talk, MESSAGE_MAX_BYTES, 1)
            if not message:
                return
            birth = msgspec.json.decode(message, type=Birth)
            pid = os.fork()
            if pid == 0:
                _live(birth, handles[0])
            os.close(handles[0])
            talk.send(msgspec.json.encode(Born(birth.ticket, pid)))


def _reap() -> Iterator[Gone]:
    while True:
        try:
            pid, status, used = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield Gone(pid, os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime)


def _live(birth: Birth, log: int) -> None:
    """The child's whole life. Never returns."""
    code = NOT_CONFINED
    try:
        _stand_alone(birth, log)
        enter(birth.wall)
        die_with_parent(signal.SIGKILL)()
        if birth.python:
            argv = [birth.python, "-m", "madang.runtime.begin", birth.folder, birth.entry, birth.data]
            os.execve(birth.python, argv, birth.env)  # noqa: S606 - the file is one that the runtime made
        run(Path(birth.folder), birth.entry, Path(birth.data))
        code = 0
    except SystemExit as wish:
        code = wish.code if isinstance(wish.code, int) else int(wish.code is not None)
    except BaseException:
        traceback.print_exc()
        code = code if code != NOT_CONFINED else 1
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _stand_alone(birth: Birth, log: int) -> None:
    """Nothing of the fork server's is left but its memory."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    null = os.open(os.devnull, os.O_RDONLY)
    for handle, place in ((null, 0), (log, 1), (log, 2)):
        os.dup2(handle, place)
    os.closerange(3, 1_024)
    os.umask(0o077)
    os.environ.clear()
    os.environ.update(birth.env)
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
