"""A subscription: what to watch and how to tell of it (clauses 5.2.12 to 5.2.14), pure."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from madang.base.errors import BadRequest
from madang.base.limits import JOIN_MAX_LEVEL
from madang.model.context import Context
from madang.model.endpoint import Endpoint, parse_endpoint
from madang.model.entity import Entity
from madang.model.evaluate import satisfies
from madang.model.geometry import GeoQuery, parse_geo_query
from madang.model.kinds import check_id, check_time
from madang.model.linked import Join
from madang.model.patterns import check_pattern, found_in
from madang.model.projection import Projection, parse_projection
from madang.model.query import Node, attributes_of, parse_query
from madang.model.render import Form, geometry_of
from madang.model.selection import Selection, parse_scopes, parse_types
from madang.model.sight import WHOLE, Sight
from madang.model.values import is_one_of

FORMATS = {"normalized": "normalized", "concise": "concise", "simplified": "simplified", "keyValues": "simplified"}
ATTRIBUTE_TRIGGERS = frozenset({"attributeCreated", "attributeUpdated", "attributeDeleted"})
TRIGGERS = ATTRIBUTE_TRIGGERS | {"entityCreated", "entityUpdated", "entityDeleted"}
DEFAULT_TRIGGERS = frozenset({"attributeCreated", "attributeUpdated"})


_WORD = re.compile(r"[^(),;|*]+")


@dataclass(frozen=True)
class Selector:
    """Entities by type selection (None: any), id and pattern."""

    types: Selection | None
    id: str | None
    id_pattern: str | None

    def selects(self, entity_id: str, types: list[str]) -> bool:
        if self.types is not None and not self.types.accepts(types.__contains__):
            return False
        if self.id is not None and self.id != entity_id:
            return False
        return self.id_pattern is None or found_in(self.id_pattern, entity_id)


@dataclass(frozen=True)
class Subscription:
    """Names are internal. `interval_s` is set for one that tells by the clock and not by changes; `sight` is that of who made
    it."""

    id: str
    selectors: tuple[Selector, ...]
    watched: frozenset[str]
    q: Node | None
    geo: GeoQuery | None
    scopes: Selection | None
    triggers: frozenset[str]
    endpoint: Endpoint
    form: Form
    join: Join | None
    show_changes: bool
    split: bool
    throttling_s: float
    interval_s: float | None
    expires_at: str | None
    active: bool
    sight: Sight = WHOLE

    @cached_property
    def asked(self) -> frozenset[str]:
        """The attributes of which it tells something by telling of an entity at all."""
        names = self.watched | (attributes_of(self.q) if self.q is not None else frozenset())
        return names | ({self.geo.attribute} if self.geo is not None else frozenset())

    def may_tell_of(self, entity: Entity) -> bool:
        """Whether the subscriber may hear of it."""
        if self.sight.whole:
            return True
        opened = self.sight.of(entity)
        return not opened.empty and all(name in opened for name in self.asked)

    def fires(self, op: str, events: Mapping[str, str]) -> bool:
        """Whether a change with these `events` (attribute -> what happened to it) is one of those that count."""
        seen = {what for name, what in events.items() if not self.watched or name in self.watched}
        if self.watched and not seen:
            return False
        whole = {"c": "entityCreated", "u": "entityUpdated", "d": "entityDeleted"}[op]
        return whole in self.triggers or not seen.isdisjoint(self.triggers)

    def selects(self, entity_id: str, types: list[str]) -> bool:
        return not self.selectors or any(one.selects(entity_id, types) for one in self.selectors)

    def accepts(self, entity: Entity) -> bool:
        """Whether the entity as it is satisfies `q`, `geoQ` and `scopeQ`."""
        if self.q is not None and not satisfies(entity.body, self.q):
            return False
        if self.scopes is not None and not in_scope(entity, self.scopes):
            return False
        return self.geo is None or self.geo.matches(geometry_of(entity, self.geo.attribute))


def in_scope(entity: Entity, scopes: Selection) -> bool:
    """Whether one of the entity's scopes is selected (clause 4.19)."""
    held = entity.body.get("scope", [])
    return scopes.accepts(lambda pattern: any(found_in(pattern, scope) for scope in held))


def parse_subscription(data: Any, context: Context) -> Subscription:
    """`context` is that of the names in it. Raises BadRequest naming the member."""
    if not isinstance(data, dict) or data.get("type") != "Subscription":
        raise BadRequest('a subscription has "type": "Subscription"')
    if "entities" not in data and "watchedAttributes" not in data:
        raise BadRequest("a subscription names entities or watchedAttributes")
    notification = data.get("notification")
    if not isinstance(notification, dict):
        raise BadRequest("notification is missing")
    interval = _seconds(data.get("timeInterval"), "timeInterval")
    throttling = _seconds(data.get("throttling"), "throttling")
    if interval is not None and (throttling is not None or "watchedAttributes" in data):
        raise BadRequest("timeInterval goes neither with throttling nor with watchedAttributes")
    if "csf" in data:
        parse_query(unquote(text(data["csf"], "csf")), context)
    return Subscription(
        check_id(data["id"]) if "id" in data else f"urn:ngsi-ld:Subscription:{uuid.uuid4()}",
        tuple(_selector(one, context) for one in listed(data, "entities")),
        frozenset(context.expand(text(name, "watchedAttributes")) for name in listed(data, "watchedAttributes")),
        parse_query(unquote(text(data["q"], "q")), context) if "q" in data else None,
        _geo(data.get("geoQ"), context),
        parse_scopes(text(data["scopeQ"], "scopeQ")) if "scopeQ" in data else None,
        _triggers(listed(data, "notificationTrigger")),
        parse_endpoint(notification.get("endpoint")),
        _form(data, notification, context),
        _join(notification),
        notification.get("showChanges") is True,
        data.get("splitEntities") is True,
        throttling or 0.0,
        interval,
        check_time(data["expiresAt"], "expiresAt") if "expiresAt" in data else None,
        _active(data.get("isActive", True)),
    )  # fmt: skip


def renamed(data: dict[str, Any], rename: Callable[[str], str]) -> dict[str, Any]:
    """A subscription as JSON with other names for types and attributes; texts of query languages stay as they were said."""
    out = dict(data)
    if "entities" in out:
        out["entities"] = [
            one | {"type": _WORD.sub(lambda word: rename(word[0]), one["type"])} for one in out["entities"]
        ]
    if "watchedAttributes" in out:
        out["watchedAttributes"] = [rename(name) for name in out["watchedAttributes"]]
    if "attributes" in out["notification"]:
        names = [rename(name) for name in out["notification"]["attributes"]]
        out["notification"] = out["notification"] | {"attributes": names}
    return out


def text(value: Any, name: str) -> str:
    """Raises BadRequest for what is no string."""
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be a string")
    return value


def listed(data: dict[str, Any], name: str) -> list[Any]:
    """A list with something in it, or nothing at all. Raises BadRequest."""
    value = data.get(name, [])
    if not isinstance(value, list) or (name in data and not value):
        raise BadRequest(f"{name} must be a list with at least one item")
    return value


def _active(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadRequest("isActive must be true or false")
    return value


def _selector(data: Any, context: Context) -> Selector:
    if not isinstance(data, dict) or "type" not in data:
        raise BadRequest("entities: each selector has a type")
    pattern = data.get("idPattern")
    if pattern is not None:
        check_pattern(text(pattern, "idPattern"))
    identifier = check_id(data["id"]) if "id" in data else None
    return Selector(parse_types(text(data["type"], "type"), context), identifier, pattern)


def _geo(data: Any, context: Context) -> GeoQuery | None:
    if data is None:
        return None
    if not isinstance(data, dict):
        raise BadRequest("geoQ must be an object")
    name = context.expand(text(data.get("geoproperty", "location"), "geoproperty"))
    return parse_geo_query(
        text(data.get("georel"), "georel"), text(data.get("geometry"), "geometry"), data.get("coordinates"), name
    )


def _triggers(names: list[Any]) -> frozenset[str]:
    unknown = [name for name in names if not is_one_of(name, TRIGGERS)]
    if unknown:
        raise BadRequest(f"notificationTrigger: unknown {unknown[0]!r}")
    return frozenset(names) or DEFAULT_TRIGGERS


def _form(data: dict[str, Any], notification: dict[str, Any], context: Context) -> Form:
    name = notification.get("format", "normalized")
    if not is_one_of(name, FORMATS):
        raise BadRequest(f"notification.format is not one of {', '.join(FORMATS)}")
    changes = notification.get("showChanges") is True
    if changes and FORMATS[name] == "simplified":
        raise BadRequest("showChanges goes not with a simplified format")
    pick, omit = _members(notification, "pick", context), _members(notification, "omit", context)
    attrs = frozenset(context.expand(text(one, "attributes")) for one in listed(notification, "attributes"))
    if attrs and (pick or omit):
        raise BadRequest("attributes goes neither with pick nor with omit")
    if pick and omit and any(name in omit and omit.below(name) is None for name in pick.names):
        raise BadRequest("a member cannot be both picked and omitted")
    datasets = frozenset(None if one == "@none" else check_id(one) for one in listed(data, "datasetId"))
    return Form(
        FORMATS[name], notification.get("sysAttrs") is True, attrs or None, pick, omit, data.get("lang"),
        datasets or None, context=context,
    )  # fmt: skip


def _members(notification: dict[str, Any], name: str, context: Context) -> Projection | None:
    names = listed(notification, name)
    return parse_projection(",".join(text(one, name) for one in names), context, name) if names else None


def _join(notification: dict[str, Any]) -> Join | None:
    mode, level = notification.get("join", "@none"), notification.get("joinLevel", 1)
    if mode not in ("inline", "flat", "@none"):
        raise BadRequest("join: inline, flat or @none")
    if isinstance(level, bool) or not isinstance(level, int) or not 1 <= level <= JOIN_MAX_LEVEL:
        raise BadRequest(f"joinLevel: a whole number from 1 to {JOIN_MAX_LEVEL}")
    return None if mode == "@none" else Join(mode == "inline", level)


def _seconds(value: Any, name: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise BadRequest(f"{name} is a number of seconds over 0")
    return float(value)
