"""Where one running instance lives and which outside engines it uses, from the environment."""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

from madang.base.errors import Unavailable


def home_dir() -> Path:
    """`MADANG_HOME`, or `/var/lib/madang` for root (whose home the dropped user cannot enter), or the user's data folder."""
    given = os.environ.get("MADANG_HOME")
    if given:
        return Path(given).absolute()
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/madang")
    return Path(os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")) / "madang"


@dataclass(frozen=True)
class Settings:
    """One instance: its private folder and the addresses of its parts.

    `database` is a PostgreSQL DSN, `bus` a NATS URL, `mqtt` an MQTT URL; all with credentials.
    """

    run_dir: Path
    city: str
    city_file: str
    database: str
    bus: str
    mqtt: str
    embedded_database: bool
    embedded_bus: bool
    http_port: int

    def env(self) -> dict[str, str]:
        """What a child process needs to find the same parts."""
        return {
            "MADANG_RUN_DIR": str(self.run_dir),
            "MADANG_CITY": self.city,
            "MADANG_CITY_FILE": self.city_file,
            "MADANG_DATABASE_DSN": self.database,
            "MADANG_BUS_URL": self.bus,
            "MADANG_MQTT_URL": self.mqtt,
            "MADANG_HTTP_PORT": str(self.http_port),
            "MADANG_EMBEDDED": f"{int(self.embedded_database)}{int(self.embedded_bus)}",
        }

    @classmethod
    def from_env(cls) -> Settings:
        """The settings the supervisor handed to this process. Raises KeyError outside its tree."""
        env = os.environ
        embedded = env.get("MADANG_EMBEDDED", "00")
        return cls(
            Path(env["MADANG_RUN_DIR"]),
            env["MADANG_CITY"],
            env["MADANG_CITY_FILE"],
            env["MADANG_DATABASE_DSN"],
            env["MADANG_BUS_URL"],
            env["MADANG_MQTT_URL"],
            embedded[0] == "1",
            embedded[1] == "1",
            int(env["MADANG_HTTP_PORT"]),
        )


def issuer_of(settings: Settings) -> str:
    """The address people and clients reach this city at: `MADANG_ADDRESS`, or this machine by the name that can have passkeys,
    which an IP address cannot. Without a slash at the end."""
    return os.environ.get("MADANG_ADDRESS", f"http://localhost:{settings.http_port}").rstrip("/")


def ready_mark(run_dir: Path, name: str) -> Path:
    """A file that a kernel process without a port makes when it does its work, and the supervisor looks for."""
    return run_dir / f"{name}.ready"


class InstanceLock:
    """Holds a run folder for as long as the process lives; the kernel frees it at any death."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self._file: int | None = None

    def acquire(self) -> None:
        """Raises Unavailable when another process holds the folder."""
        self.run_dir.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.run_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise Unavailable(f"{self.run_dir} is in use by another madang") from None
        self._file = handle

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def free_run_dir(home: Path, name: str) -> InstanceLock:
    """The first of `run/name`, `run/name-2`, ... that nobody holds, locked."""
    for number in range(1, 100):
        lock = InstanceLock(home / "run" / (name if number == 1 else f"{name}-{number}"))
        try:
            lock.acquire()
        except Unavailable:
            continue
        return lock
    raise Unavailable(f"a hundred instances of {name} are running")


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def listen_on(host: str, port: int | None) -> socket.socket:
    """A listening TCP socket: on `port`, or on any free one for None. Held from now on, so nobody else can take it.

    Raises OSError when the port is taken."""
    held = socket.socket()
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((host, port or 0))
        held.listen(2048)  # binding alone does not keep a second binder away
    except OSError:
        held.close()
        raise
    return held


def secret(path: Path, size_bytes: int = 24) -> str:
    """The secret kept in `path` (mode 0600), made at first use: random bytes in URL-safe base64 without padding."""
    if path.exists():
        return path.read_text().strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    value = secrets.token_urlsafe(size_bytes)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(value)
    return value
