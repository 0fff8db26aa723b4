"""Hostile apps in real processes: each attempt is stopped by the kernel, and told."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from madang.base.limits import APP_CRASHES_MAX, APP_LOG_MAX_BYTES
from madang.engine import supervisor as supervising
from madang.engine.privilege import own
from madang.engine.supervisor import Supervisor
from madang.engine.temporary import scratch
from madang.runtime.host import Host, Order
from madang.runtime.logs import log_path, tail
from madang.runtime.sandbox import probe
from tests.waiting import until

pytestmark = pytest.mark.skipif(probe() < 3, reason="this machine has not every wall, or this user is not root")
ATTEMPT = """
import os, socket, sys, time
def attempt(name, work):
    try:
        print(name, "done", str(work())[:80], flush=True)
    except BaseException as error:
        print(name, type(error).__name__, flush=True)
"""
FIRST_UID = 1_350_000


class Place:
    """A host, and apps made for it."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.supervisor = Supervisor(run_dir / "logs")
        self.host = Host(run_dir, self.supervisor)
        self._made = 0

    async def start(self, name: str, code: str, **more: Any) -> Order:
        self._made += 1
        uid = FIRST_UID + self._made
        folder = own(self.run_dir / name, 0, 0o755)
        (folder / "__init__.py").write_text("")
        (folder / "main.py").write_text(ATTEMPT + code)
        data = own(self.run_dir / "apps" / name, uid)
        env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        order = Order(name, str(folder), f"{name}.main", str(data), env, uid, **({"memory_mb": 64} | more))
        await self.host.start(order)
        return order

    def printed(self, name: str) -> str:
        return tail(log_path(self.run_dir, name), 10_000)

    def events(self, name: str) -> list[tuple[str, str]]:
        return [(one["kind"], one["detail"]) for one in self.host.report(0)["events"] if one["app"] == name]

    def kinds(self, name: str) -> set[str]:
        return {kind for kind, _ in self.events(name)}

    def state(self, name: str) -> str:
        return str(self.supervisor.status()[f"app:{name}"]["state"])

    def says(self, name: str, text: str) -> Callable[[], bool]:
        return lambda: text in self.printed(name)


@pytest.fixture
async def place(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    monkeypatch.setattr(supervising, "BACKOFF_S", (0.01,))
    folder = scratch("madang-host-")
    place = Place(folder.path)
    place.host.open()
    yield place
    await place.supervisor.stop()
    await place.host.close()
    folder.remove()


async def test_an_app_reads_no_file_of_anothers_and_is_told_of(place: Place) -> None:
    victim = await place.start("victim", "open('secret', 'w').write('mine')\nprint('kept', flush=True)\ntime.sleep(60)")
    await until(place.says("victim", "kept"), "the victim has a secret")
    secret = f"{victim.data}/secret"
    await place.start("thief", f"attempt('theft', lambda: open({secret!r}).read())\ntime.sleep(60)")
    await until(lambda: ("refused", f"fs.read_file {secret}") in place.events("thief"), "the theft is told")
    assert place.printed("thief") == "theft PermissionError\n"


async def test_an_app_opens_no_socket_of_any_kind_and_is_told_of(place: Place) -> None:
    code = """
attempt("tcp", lambda: socket.create_connection(("127.0.0.1", 9), 1))
attempt("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)))
attempt("ipv6", lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
attempt("raw", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
attempt("netlink", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
attempt("local", lambda: socket.socketpair()[0].family.name)
attempt("child", lambda: os.spawnl(os.P_WAIT, sys.executable, sys.executable, "-c", "import socket; socket.socket()"))
attempt("namespace", lambda: __import__("ctypes").CDLL(None, use_errno=True).unshare(0x10000000))
print("end", flush=True)
time.sleep(60)
"""
    await place.start("caller", code)
    await until(place.says("caller", "end"), "it tried everything")
    lines = [line for line in place.printed("caller").splitlines() if line.split()[0] in code and '"' not in line]
    assert lines == [
        "tcp PermissionError", "udp PermissionError", "ipv6 PermissionError", "raw PermissionError", "netlink PermissionError",
        "local done AF_UNIX", "child done 1", "namespace done -1", "end",
    ]  # fmt: skip
    await until(lambda: {("refused", "socket"), ("refused", "unshare")} <= set(place.events("caller")), "both are told")


async def test_a_fork_bomb_ends_at_its_bound_and_with_its_app(place: Place) -> None:
    code = """
while True:
    try:
        os.fork()
    except OSError:
        time.sleep(0.05)
"""
    await place.start("bomb", code, memory_mb=512)
    await until(lambda: "too_many_processes" in place.kinds("bomb"), "the bound is told")
    assert place.host.report(0)["used"]["bomb"]["processes"] <= 64
    await place.host.stop("bomb")
    groups = [path for path in Path("/sys/fs/cgroup").rglob("bomb/cgroup.procs") if path.read_text()]
    assert groups == []


async def test_who_eats_memory_dies_alone(place: Place) -> None:
    await place.start("bystander", "print('here', flush=True)\ntime.sleep(60)")
    await place.start("eater", "held = []\nwhile True:\n    held.append(bytearray(1 << 20))")
    await until(lambda: "out_of_memory" in place.kinds("eater"), "the end is told")
    assert (place.state("bystander"), place.events("bystander")) == ("running", [])


async def test_who_eats_the_disk_is_stopped(place: Place) -> None:
    code = """
for number in range(10_000):
    open(f"file{number}", "wb").write(bytes(1 << 20))
"""
    await place.start("hoarder", code, storage_mb=8)
    await until(lambda: "storage_full" in place.kinds("hoarder"), "the end is told")
    await until(lambda: place.state("hoarder") == "held", "it stays stopped")


async def test_one_file_has_a_bound_of_its_own(place: Place) -> None:
    code = """
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
file = open("huge", "wb", buffering=0)
attempt("first", lambda: file.write(bytes(1 << 20)))
attempt("second", lambda: file.write(bytes(1 << 20)) and file.write(b"x"))
time.sleep(60)
"""
    await place.start("writer", code, storage_mb=2)
    await until(place.says("writer", "second"), "it wrote")
    assert place.printed("writer") == "first done 1048576\nsecond OSError\n"


async def test_who_crashes_again_and_again_is_held(place: Place) -> None:
    await place.start("crasher", "print('once', flush=True)\nraise SystemExit(3)")
    await until(lambda: place.state("crasher") == "held", "nobody starts it again")
    assert place.printed("crasher") == "once\n" * APP_CRASHES_MAX
    await until(lambda: "held" in place.kinds("crasher"), "it is told")
    assert ("crashed", "3") in place.events("crasher")


async def test_who_prints_without_end_fills_nothing(place: Place) -> None:
    await place.start("chatter", "while True:\n    print('x' * 60_000)")
    path = log_path(place.run_dir, "chatter")
    await until(lambda: path.exists() and path.stat().st_size > 0, "something is kept")
    assert sum(one.stat().st_size for one in path.parent.glob("app-chatter*")) <= 2 * APP_LOG_MAX_BYTES
    assert place.state("chatter") == "running"


async def test_nobody_else_can_be_signalled(place: Place) -> None:
    await place.start("bystander", "time.sleep(60)")
    await until(lambda: place.state("bystander") == "running", "it runs")
    pid = place.supervisor.status()["app:bystander"]["pid"]
    await place.start(
        "killer",
        f"attempt('kill', lambda: os.kill({pid}, 9))\nattempt('parent', lambda: os.kill(os.getppid(), 9))\ntime.sleep(60)",
    )
    await until(place.says("killer", "parent"), "it tried")
    assert place.printed("killer") == "kill PermissionError\nparent PermissionError\n"
    assert place.supervisor.status()["app:bystander"]["pid"] == pid


async def test_processor_time_is_bounded_and_counted(place: Place) -> None:
    await place.start("burner", "while True:\n    pass", cpu=0.1)
    await until(lambda: place.host.report(0)["used"]["burner"]["cpu_s"] > 0.2, "it burns")
    began = place.supervisor.status()["app:burner"]["since"]
    used = place.host.report(0)["used"]["burner"]["cpu_s"]
    assert used <= 0.15 * (supervising.time.time() - began) + 0.15


async def test_apps_return_when_the_fork_server_dies(place: Place) -> None:
    await place.start("phoenix", "print(os.getppid(), flush=True)\ntime.sleep(60)")
    await until(lambda: place.printed("phoenix").endswith("\n"), "it runs")
    os.kill(int(place.printed("phoenix")), 9)
    await until(lambda: place.printed("phoenix").count("\n") == 2, "it runs again, from another fork server")
