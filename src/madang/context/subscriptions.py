"""Subscriptions: parsed, kept, and matched against changes (clauses 5.2.12, 5.8)."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from madang.base.clock import to_iso
from madang.base.errors import BadRequest, Conflict, NotFound, TooManyResults
from madang.base.limits import SUBSCRIPTIONS_MAX
from madang.model.context import Context
from madang.model.entity import Entity
from madang.model.evaluate import satisfies
from madang.model.geometry import GeoQuery, parse_geo_query
from madang.model.kinds import check_id, check_time
from madang.model.query import Node, parse_query
from madang.model.render import Form, geometry_of
from madang.model.scanner import check_pattern

_FORMATS = {"normalized": "normalized", "concise": "concise", "simplified": "simplified", "keyValues": "simplified"}
TRIGGERS = {
    "entityCreated": "c",
    "entityUpdated": "u",
    "entityDeleted": "d",
    "attributeCreated": "u",
    "attributeUpdated": "u",
    "attributeDeleted": "u",
}


@dataclass(frozen=True)
class Selector:
    id: str | None
    id_pattern: str | None
    type: str | None


@dataclass(frozen=True)
class Subscription:
    """What to watch and where to tell it. Names are internal."""

    id: str
    selectors: tuple[Selector, ...]
    watched: frozenset[str]
    q: Node | None
    geo: GeoQuery | None
    operations: frozenset[str]
    endpoint: str
    accept: str
    headers: tuple[tuple[str, str], ...]
    form: Form
    throttling_s: float
    expires_at: str | None
    active: bool

    def concerns(self, entity_id: str, types: list[str], operation: str, changed: set[str]) -> bool:
        """Whether a change is about what is watched; conditions on values come after, with the entity at hand."""
        if not self.active or operation not in self.operations:
            return False
        if self.watched and operation != "d" and not (self.watched & changed):
            return False
        return not self.selectors or any(_selects(one, entity_id, types) for one in self.selectors)

    def accepts(self, entity: Entity) -> bool:
        """Whether the entity as it is satisfies `q` and `geoQ`."""
        if self.q is not None and not satisfies(entity.body, self.q):
            return False
        return self.geo is None or self.geo.matches(geometry_of(entity, self.geo.attribute))


def _selects(selector: Selector, entity_id: str, types: list[str]) -> bool:
    if selector.type is not None and selector.type not in types:
        return False
    if selector.id is not None and selector.id != entity_id:
        return False
    return selector.id_pattern is None or re.search(selector.id_pattern, entity_id) is not None


def parse_subscription(data: Any, context: Context) -> Subscription:
    """Raises BadRequest naming the member."""
    if not isinstance(data, dict) or data.get("type") != "Subscription":
        raise BadRequest('a subscription has "type": "Subscription"')
    if "entities" not in data and "watchedAttributes" not in data:
        raise BadRequest("a subscription names entities or watchedAttributes")
    if "timeInterval" in data:
        raise BadRequest("timeInterval is not taken yet")
    notification = data.get("notification")
    endpoint = notification.get("endpoint") if isinstance(notification, dict) else None
    if not isinstance(endpoint, dict) or not isinstance(notification, dict):
        raise BadRequest("notification.endpoint is missing")
    identifier = check_id(data["id"]) if "id" in data else f"urn:ngsi-ld:Subscription:{uuid.uuid4()}"
    return Subscription(
        identifier,
        tuple(_selector(one, context) for one in _list(data, "entities")),
        frozenset(context.expand(_text(name, "watchedAttributes")) for name in _list(data, "watchedAttributes")),
        parse_query(_text(data["q"], "q"), context) if "q" in data else None,
        _geo(data.get("geoQ"), context),
        _operations(_list(data, "notificationTrigger")),
        check_endpoint(endpoint.get("uri")),
        _text(endpoint.get("accept", "application/json"), "accept"),
        tuple((_text(one.get("key"), "receiverInfo"), _text(one.get("value"), "receiverInfo"))
              for one in _list(endpoint, "receiverInfo") if isinstance(one, dict)),
        _form(notification, context),
        _throttling(data.get("throttling")),
        check_time(data["expiresAt"], "expiresAt") if "expiresAt" in data else None,
        data.get("isActive", True) is not False,
    )  # fmt: skip


def check_endpoint(uri: Any) -> str:
    """An http(s) or mqtt(s) URI. Raises BadRequest."""
    try:
        parts = urlsplit(_text(uri, "notification.endpoint.uri"))
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise BadRequest("notification.endpoint.uri is not a URI") from None
    if parts.scheme not in ("http", "https", "mqtt", "mqtts") or not host:
        raise BadRequest("notification.endpoint.uri must be http(s) or mqtt(s)")
    if parts.scheme.startswith("mqtt") and not parts.path.strip("/"):
        raise BadRequest("an MQTT endpoint names a topic: mqtt://host:port/topic")
    return str(uri)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be a string")
    return value


def _list(data: dict[str, Any], name: str) -> list[Any]:
    value = data.get(name, [])
    if not isinstance(value, list) or (name in data and not value):
        raise BadRequest(f"{name} must be a list with at least one item")
    return value


def _selector(data: Any, context: Context) -> Selector:
    if not isinstance(data, dict) or "type" not in data:
        raise BadRequest("entities: each selector has a type")
    name = _text(data["type"], "type")
    pattern = data.get("idPattern")
    if pattern is not None:
        check_pattern(_text(pattern, "idPattern"))
    identifier = check_id(data["id"]) if "id" in data else None
    return Selector(identifier, pattern, None if name == "*" else context.expand(name))


def _geo(data: Any, context: Context) -> GeoQuery | None:
    if data is None:
        return None
    if not isinstance(data, dict):
        raise BadRequest("geoQ must be an object")
    name = context.expand(_text(data.get("geoproperty", "location"), "geoproperty"))
    return parse_geo_query(
        _text(data.get("georel"), "georel"), _text(data.get("geometry"), "geometry"), data.get("coordinates"), name
    )


def _operations(triggers: list[Any]) -> frozenset[str]:
    unknown = [name for name in triggers if name not in TRIGGERS]
    if unknown:
        raise BadRequest(f"notificationTrigger: unknown {unknown[0]!r}")
    return frozenset(TRIGGERS[name] for name in triggers) if triggers else frozenset("cu")


def _form(notification: dict[str, Any], context: Context) -> Form:
    name = notification.get("format", "normalized")
    if name not in _FORMATS:
        raise BadRequest("notification.format is not one of normalized, concise, simplified, keyValues")
    attrs = frozenset(context.expand(_text(one, "attributes")) for one in _list(notification, "attributes"))
    return Form(_FORMATS[name], notification.get("sysAttrs") is True, attrs or None, context=context)


def _throttling(value: Any) -> float:
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise BadRequest("throttling is a number of seconds over 0")
    return float(value)


class Subscriptions:
    """Subscriptions in PostgreSQL, with their counters."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def create(self, subscription: Subscription, data: dict[str, Any], context: Context) -> None:
        """Raises Conflict, TooManyResults at the limit."""
        if await self._pool.fetchval("SELECT count(*) FROM subscription") >= SUBSCRIPTIONS_MAX:
            raise TooManyResults(f"there are {SUBSCRIPTIONS_MAX} subscriptions already")
        try:
            await self._pool.execute(
                "INSERT INTO subscription (id, body, context) VALUES ($1, $2, $3)",
                subscription.id,
                data,
                context.source,
            )
        except asyncpg.UniqueViolationError:
            raise Conflict(f"{subscription.id} exists already") from None

    async def replace(self, identifier: str, data: dict[str, Any], context: Context) -> None:
        done = await self._pool.execute(
            "UPDATE subscription SET body = $2, context = $3, modified_at = now() WHERE id = $1",
            identifier,
            data,
            context.source,
        )
        if done == "UPDATE 0":
            raise NotFound(f"no subscription {identifier}")

    async def delete(self, identifier: str) -> None:
        """Raises NotFound."""
        if await self._pool.execute("DELETE FROM subscription WHERE id = $1", identifier) == "DELETE 0":
            raise NotFound(f"no subscription {identifier}")

    async def get(self, identifier: str) -> asyncpg.Record:
        """Raises NotFound."""
        record = await self._pool.fetchrow("SELECT * FROM subscription WHERE id = $1", identifier)
        if record is None:
            raise NotFound(f"no subscription {identifier}")
        return record

    async def page(self, limit: int, offset: int) -> list[asyncpg.Record]:
        return list(await self._pool.fetch("SELECT * FROM subscription ORDER BY id LIMIT $1 OFFSET $2", limit, offset))

    async def every(self) -> list[asyncpg.Record]:
        return list(await self._pool.fetch("SELECT id, body, context, modified_at FROM subscription"))


def describe(record: asyncpg.Record) -> dict[str, Any]:
    """A subscription as its owner sees it, with counters."""
    body = dict(record["body"])
    notification = dict(body["notification"])
    counts: dict[str, Any] = {"timesSent": record["times_sent"], "timesFailed": record["times_failed"]}
    for name, column in (
        ("lastNotification", "last_notification"),
        ("lastSuccess", "last_success"),
        ("lastFailure", "last_failure"),
    ):
        if record[column] is not None:
            counts[name] = to_iso(record[column])
    failing = record["last_failure"] and (not record["last_success"] or record["last_failure"] > record["last_success"])
    notification |= counts | {"status": "failed" if failing else "ok"}
    body["notification"] = notification
    body["status"] = "active" if body.get("isActive", True) else "paused"
    return body
