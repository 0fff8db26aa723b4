"""One running instance: its engines, its kernel processes, and the supervisor that answers for them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import msgspec
import nats
import structlog

from madang.base.clock import SystemClock
from madang.base.errors import BadRequest, NotFound
from madang.cli.acme import Acme, kept_of
from madang.cli.cities import find_city
from madang.cli.serving import certificate_files
from madang.engine import control, database
from madang.engine.memory import rss_mb
from madang.engine.nats import Nats
from madang.engine.outward import EVERYWHERE
from madang.engine.postgres import CACHE, Postgres
from madang.engine.privilege import ENGINE_UID, own
from madang.engine.settings import Settings, issuer_of, listen_on, ready_mark
from madang.engine.supervisor import Spec, Supervisor
from madang.engine.temporary import sockets_of, sweep
from madang.runtime.host import Host, Order

log = structlog.get_logger()
Say = Callable[[str], None]


class Instance:
    """Starts and stops everything of one city in one process tree."""

    def __init__(
        self, run_dir: Path, city: str, city_file: Path, port: int | None, env: dict[str, str], say: Say
    ) -> None:
        self.run_dir = run_dir
        self.supervisor = Supervisor(run_dir / "logs")
        self._apps = Host(run_dir, self.supervisor)
        self._env, self._say = env, say
        self._server: asyncio.AbstractServer | None = None
        self._sockets = sockets_of(run_dir)
        own(run_dir, os.getuid(), 0o711)
        own(run_dir / "keys", os.getuid(), 0o700)
        own(run_dir / "apps", os.getuid(), 0o711)
        self._postgres = (
            None
            if "MADANG_DATABASE" in os.environ
            else Postgres(run_dir, os.environ.get("MADANG_DATABASE_CACHE", CACHE))
        )
        self._nats = None if "MADANG_BUS" in os.environ else Nats(run_dir, "MADANG_DEMO" in env)
        # Held here and lent to the gateway: no other process can take the port, and who calls while the gateway is
        # started again waits instead of being turned away.
        # A door where everybody is the operator opens to this machine alone, whatever the environment says.
        everybody_operates = env.get("MADANG_ANONYMOUS") == "operator"
        self._acme = None if everybody_operates else Acme.from_env()
        if self._acme is not None and certificate_files() is not None:
            raise BadRequest("MADANG_ACME_DIRECTORY or MADANG_TLS_CERTIFICATE, not both")
        has_certificate = self._acme is not None or certificate_files() is not None
        self._is_secure = has_certificate and not everybody_operates
        self._plain_socket = self._acme.listen() if self._acme is not None else None
        self._socket = listen_on(
            "127.0.0.1" if everybody_operates else os.environ.get("MADANG_HOST", "127.0.0.1"), port
        )
        self.settings = Settings(
            run_dir,
            city,
            str(city_file),
            self._postgres.dsn if self._postgres else os.environ["MADANG_DATABASE"],
            self._nats.url if self._nats else os.environ["MADANG_BUS"],
            self._nats.mqtt_url if self._nats else os.environ.get("MADANG_MQTT", ""),
            self._postgres is not None,
            self._nats is not None,
            int(self._socket.getsockname()[1]),
        )

    @property
    def field_mqtt(self) -> str:
        """The MQTT address the simulated field is given."""
        return self._nats.field_mqtt_url if self._nats else self.settings.mqtt

    @property
    def url(self) -> str:
        return f"http{'s' if self._is_secure else ''}://127.0.0.1:{self.settings.http_port}/"

    async def start_engines(self) -> None:
        """Database and bus, and the schema as this version wants it. Raises Unavailable when the sockets are another's."""
        sweep()
        self._sockets.hold()
        starts = []
        if self._postgres is not None:
            starts.append(self.supervisor.run(postgres_spec(self._postgres)))
        if self._nats is not None:
            starts.append(self.supervisor.run(nats_spec(self._nats)))
        await asyncio.gather(*starts)
        if self._postgres is not None:
            await database.ensure_database(self.settings.database)
        await database.migrate(self.settings.database)
        self._publish_dsn()

    def _publish_dsn(self) -> None:
        """For tools of the same user, such as `madang replay`."""
        path = self.run_dir / "database.dsn"
        path.touch(mode=0o600)
        path.write_text(self.settings.database)
        (self.run_dir / "address").write_text(issuer_of(self.settings))

    async def start_kernel(self) -> None:
        """Gateway, ingest, courier; ready when the gateway answers. Nobody waits for operations and the lake."""
        self._apps.open()
        self._server = await control.serve(self.run_dir, self.handle)
        await asyncio.gather(
            self.supervisor.run(self._gateway()),
            self.supervisor.run(self._marked("courier")),
            self.supervisor.run(self._marked("ingest")),
        )
        self.supervisor.add(self._marked("operations")).start()
        if find_city(self.settings.city_file).lake is not None:
            self.supervisor.add(self._marked("lake")).start()

    def role(self, name: str, *args: str) -> Spec:
        """The spec of a kernel process."""
        env = self.settings.env() | self._env | self._certificate_env()
        return Spec(name, [sys.executable, "-m", "madang", "run", name, *args], env)

    def _certificate_env(self) -> dict[str, str]:
        """What differs from the environment as it was given."""
        if self._acme is not None:
            path = str(kept_of(self._acme, self.run_dir).path)
            return {"MADANG_TLS_CERTIFICATE": path, "MADANG_TLS_KEY": path}
        names = ("MADANG_TLS_CERTIFICATE", "MADANG_TLS_KEY", "MADANG_ACME_DIRECTORY")
        return {} if self._is_secure else dict.fromkeys(names, "")

    def _gateway(self) -> Spec:
        lent = {"MADANG_HTTP_FD": self._socket, "MADANG_ACME_FD": self._plain_socket}
        handles = {name: held.fileno() for name, held in lent.items() if held is not None}
        spec = self.role("gateway")
        env = spec.env | {name: str(handle) for name, handle in handles.items()}
        fds = tuple(handles.values())
        return replace(spec, env=env, fds=fds, ready=self._gateway_ready, prepare=self._prepare_gateway)

    def _prepare_gateway(self) -> None:
        if self._acme is not None:
            kept_of(self._acme, self.run_dir).prepare(self._acme.host, SystemClock().now())

    def _marked(self, name: str) -> Spec:
        """A role that says by a file when it does its work."""
        mark = ready_mark(self.run_dir, name)

        async def ready() -> bool:
            return mark.exists()

        return replace(self.role(name), prepare=lambda: mark.unlink(missing_ok=True), ready=ready)

    async def _gateway_ready(self) -> bool:
        async with httpx.AsyncClient(trust_env=False, timeout=2, verify=False) as client:  # noqa: S501 - it asks itself
            return (await client.get(f"{self.url}madang/v1/city")).status_code == 200

    async def handle(self, request: dict[str, Any]) -> Any:
        """Requests of the control socket. Only app processes can be started from outside."""
        op = request.get("op")
        if op == "status":
            return self.supervisor.status()
        if op == "memory":
            return self.memory_mb()
        if op == "apps":
            return self._apps.report(int(request.get("after", 0)))
        if op == "start":
            await self._apps.start(msgspec.convert(request["order"], Order))
        elif op == "stop":
            await self._apps.stop(str(request["app"]))
        elif op == "remove":
            await self._apps.remove(str(request["app"]))
        else:
            raise NotFound(f"cannot {op}")
        return None

    def memory_mb(self) -> float:
        """Of the whole tree, this process included."""
        return rss_mb([os.getpid()])

    async def stop(self) -> None:
        """Everything, in reverse order, cleanly. May be called again."""
        if self._server is not None:
            self._server.close()
        await self.supervisor.stop()
        await self._apps.close()
        self._socket.close()
        if self._plain_socket is not None:
            self._plain_socket.close()
        self._sockets.remove()
        for name in ("database.dsn", "address"):
            (self.run_dir / name).unlink(missing_ok=True)


def postgres_spec(server: Postgres) -> Spec:
    return Spec(
        "postgres",
        server.argv(),
        uid=ENGINE_UID,
        stop_signal=signal.SIGINT,
        prepare=server.prepare,
        ready=lambda: database.is_ready(server.dsn),
    )


def nats_spec(server: Nats) -> Spec:
    async def ready() -> bool:
        async def quiet(error: Exception) -> None:
            return None

        client = await nats.connect(server.url, connect_timeout=1, allow_reconnect=False, error_cb=quiet)
        await client.close()
        return True

    # The collector of Go lets a heap double before it looks; messages that went by are most of it.
    return Spec("nats", server.argv(), {"GOGC": "50"}, uid=ENGINE_UID, prepare=server.prepare, ready=ready)


def demo_env(anonymous: str, tiles: Path, bbox: list[float] | None, demo: dict[str, Any] | None) -> dict[str, str]:
    """What the kernel processes are told beside the settings."""
    env = {"MADANG_ANONYMOUS": anonymous, "MADANG_TILES": str(tiles), "MADANG_BBOX": msgspec.json.encode(bbox).decode()}
    if anonymous == "operator":  # who operates on this machine alone reaches all of it without our help
        env["MADANG_PRIVATE_NETWORKS"] = os.environ.get("MADANG_PRIVATE_NETWORKS", EVERYWHERE)
    if demo is not None:
        env["MADANG_DEMO"] = msgspec.json.encode(demo).decode()
    return env
