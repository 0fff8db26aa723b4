"""What a hostile app can reach: nothing but its own folder and the app door."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from madang.engine.privilege import APP_UID, own
from madang.runtime.sandbox import level

HOSTILE = """
import json, os, socket, sys
def attempt(work):
    try:
        return str(work())[:60]
    except BaseException as error:
        return type(error).__name__
def connect(port):
    with socket.create_connection(("127.0.0.1", port), 2):
        return "connected"
results = {
    "passwd": attempt(lambda: open("/etc/passwd").read()),
    "keys": attempt(lambda: open(KEYS).read()),
    "list": attempt(lambda: os.listdir("/")),
    "tcp": attempt(lambda: connect(PORT)),
    "write_outside": attempt(lambda: open("/tmp/madang-was-here", "w")),
    "kill": attempt(lambda: os.kill(os.getppid(), 0)),
    "setuid": attempt(lambda: os.setuid(0) or "root"),
    "memory": attempt(lambda: len(bytearray(8 << 30))),
    "own_folder": attempt(lambda: open("note.txt", "w").write("ok")),
    "sdk": attempt(lambda: __import__("madang.sdk.app") and "imported"),
    "environment": sorted(name for name in os.environ if name.startswith("MADANG")),
}
print(json.dumps(results))
"""


@pytest.mark.skipif(level() < 2, reason="this kernel has no Landlock with network rules (ABI 4)")
def test_a_hostile_app_reaches_nothing(run_dir: Path, unused_tcp_port: int) -> None:
    import socket

    folder = own(run_dir / "hostile", 0, 0o755)
    (folder / "__init__.py").write_text("")
    keys = run_dir / "keys-of-the-kernel"
    keys.write_text("secret")
    text = HOSTILE.replace("KEYS", repr(str(keys))).replace("PORT", str(unused_tcp_port))
    (folder / "main.py").write_text(text)
    data = own(run_dir / "hostile-data", APP_UID)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", unused_tcp_port))
        listener.listen()
        done = subprocess.run(
            [sys.executable, "-m", "madang.runtime.launch", str(folder), "hostile.main", str(data)],
            env={"PATH": "/usr/bin:/bin", "MADANG_APP_ID": "x"}, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
    assert json.loads(done.stdout) == {
        "passwd": "PermissionError",
        "keys": "PermissionError",
        "list": "PermissionError",
        "tcp": "PermissionError",
        "write_outside": "PermissionError",
        "kill": "PermissionError",
        "setuid": "PermissionError",
        "memory": "MemoryError",
        "own_folder": "2",
        "sdk": "imported",
        "environment": ["MADANG_APP_ID"],
    }


@pytest.fixture
def unused_tcp_port() -> int:
    from madang.engine.settings import free_port

    return free_port()
