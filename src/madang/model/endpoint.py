"""Where a subscription is told, and how (clauses 5.2.15, 5.2.22, 7.2), pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from madang.base.errors import BadRequest
from madang.base.limits import NOTIFY_TIMEOUT_S
from madang.model.values import is_one_of

ACCEPTS = ("application/json", "application/ld+json", "application/geo+json")
MQTT_VERSIONS = ("mqtt3.1.1", "mqtt5.0")
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Endpoint:
    """An http(s) or mqtt(s) URI. `timeout_s` is what one attempt may take, `cooldown_s` the rest after one that failed."""

    uri: str
    accept: str = "application/json"
    receiver: Pairs = ()
    notifier: Pairs = ()
    timeout_s: float = NOTIFY_TIMEOUT_S
    cooldown_s: float | None = None

    @property
    def is_mqtt(self) -> bool:
        return self.uri.startswith("mqtt")


def parse_endpoint(data: Any) -> Endpoint:
    """Raises BadRequest naming the member."""
    if not isinstance(data, dict):
        raise BadRequest("notification.endpoint is missing")
    accept = data.get("accept", "application/json")
    if not is_one_of(accept, ACCEPTS):
        raise BadRequest(f"accept is not one of {', '.join(ACCEPTS)}")
    timeout = _millis(data.get("timeout"), "timeout")
    return Endpoint(
        check_uri(data.get("uri")),
        accept,
        _pairs(data.get("receiverInfo"), "receiverInfo"),
        _notifier(data.get("notifierInfo")),
        min(timeout, NOTIFY_TIMEOUT_S) if timeout is not None else NOTIFY_TIMEOUT_S,
        _millis(data.get("cooldown"), "cooldown"),
    )


def check_uri(uri: Any) -> str:
    """Raises BadRequest for what nobody can be told at."""
    if not isinstance(uri, str):
        raise BadRequest("notification.endpoint.uri must be a string")
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise BadRequest("notification.endpoint.uri is not a URI") from None
    if parts.scheme not in ("http", "https", "mqtt", "mqtts") or not host:
        raise BadRequest("notification.endpoint.uri must be http(s) or mqtt(s)")
    if parts.scheme.startswith("mqtt") and not parts.path.strip("/"):
        raise BadRequest("an MQTT endpoint names a topic: mqtt://host:port/topic")
    return uri


def _millis(value: Any, name: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise BadRequest(f"{name} is a number of milliseconds over 0")
    return value / 1000


def _pairs(value: Any, name: str) -> Pairs:
    items = [] if value is None else value
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise BadRequest(f"{name} must be a list of key and value")
    pairs = tuple((one.get("key"), one.get("value")) for one in items)
    if not all(isinstance(text, str) and text.isprintable() for pair in pairs for text in pair):
        raise BadRequest(f"{name}: key and value must be strings")
    return pairs


def _notifier(value: Any) -> Pairs:
    pairs = _pairs(value, "notifierInfo")
    for key, text in pairs:
        if key == "MQTT-QoS" and text not in ("0", "1", "2"):
            raise BadRequest("MQTT-QoS is 0, 1 or 2")
        if key == "MQTT-Version" and text not in MQTT_VERSIONS:
            raise BadRequest(f"MQTT-Version is one of {', '.join(MQTT_VERSIONS)}")
    return pairs
