"""A context source registration: who else holds which context (clauses 5.2.9, 5.2.10, 4.20), pure."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from madang.base.clock import from_iso
from madang.base.errors import BadRequest
from madang.base.limits import PEER_TIMEOUT_S
from madang.model.context import Context
from madang.model.geometry import check_geometry
from madang.model.kinds import check_id, check_time
from madang.model.patterns import check_pattern
from madang.model.selection import parse_scopes

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
MODES = frozenset({"inclusive", "exclusive", "redirect", "auxiliary"})
PROXIED = frozenset({"exclusive", "redirect"})
_TYPES = (
    "retrieveEntityTypes retrieveEntityTypeDetails retrieveEntityTypeInfo"
    " retrieveAttrTypes retrieveAttrTypeDetails retrieveAttrTypeInfo"
)
_SUBSCRIBE = "createSubscription updateSubscription retrieveSubscription querySubscription deleteSubscription"
_MAP = "retrieveEntityMap updateEntityMap deleteEntityMap createEntityMapQueryEntity"
_ASSOCIATION = f"retrieveEntity queryEntity queryBatch {_TYPES} {_SUBSCRIBE} retrieveContextSourceIdentity"
GROUPS = {
    "federationOps": frozenset(f"{_ASSOCIATION} {_MAP}".split()),
    "associationOps": frozenset(_ASSOCIATION.split()),
    "updateOps": frozenset(["updateEntity", "updateAttrs", "replaceEntity", "replaceAttrs"]),
    "retrieveOps": frozenset(["retrieveEntity", "queryEntity"]),
    "redirectionOps": frozenset(
        "createEntity updateEntity appendAttrs updateAttrs deleteAttrs deleteEntity mergeEntity replaceEntity replaceAttrs"
        f" retrieveEntity queryEntity purgeEntity {_TYPES} {_MAP} retrieveContextSourceIdentity".split()
    ),
}
OPERATIONS = frozenset().union(*GROUPS.values()) | frozenset(
    [
        "createBatch",
        "upsertBatch",
        "updateBatch",
        "deleteBatch",
        "mergeBatch",
        "upsertTemporal",
        "appendAttrsTemporal",
        "deleteAttrsTemporal",
        "updateAttrInstanceTemporal",
        "deleteAttrInstanceTemporal",
        "deleteTemporal",
        "retrieveTemporal",
        "queryTemporal",
        "createEntityMapQueryTemporal",
    ]
)
GEOMETRIES = ("location", "observationSpace", "operationSpace")
INTERVALS = ("observationInterval", "managementInterval")
READ_ONLY = frozenset({"status", "timesSent", "timesFailed", "lastSuccess", "lastFailure", "createdAt", "modifiedAt"})
_TEXTS = ("registrationName", "description", "contextSourceAlias", "tenant", "refreshRate")
MEMBERS = frozenset(
    {
        *("id", "type", "@context", "information", "endpoint", "mode", "operations", "contextSourceInfo", "management"),
        *("datasetId", "expiresAt", "scope"),
    }
    | set(_TEXTS)
    | set(GEOMETRIES)
    | set(INTERVALS)
    | READ_ONLY
)


@dataclass(frozen=True)
class EntityInfo:
    """Entities of any of `types`, one id or those that match a pattern."""

    types: tuple[str, ...]
    id: str | None = None
    id_pattern: str | None = None


@dataclass(frozen=True)
class Information:
    """`entities` empty: any entity; `names` (Properties and Relationships) empty: any attribute."""

    entities: tuple[EntityInfo, ...]
    names: frozenset[str]


@dataclass(frozen=True)
class Registration:
    """Names are internal. `endpoint` has no slash at its end; `headers` are those of contextSourceInfo; times in seconds."""

    id: str
    information: tuple[Information, ...]
    endpoint: str
    mode: str = "inclusive"
    operations: frozenset[str] = GROUPS["federationOps"]
    tenant: str | None = None
    alias: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    context_url: str | None = None
    expires_at: str | None = None
    datasets: frozenset[str] | None = None
    local_only: bool = False
    timeout_s: float = PEER_TIMEOUT_S
    cooldown_s: float = 0.0
    is_temporal: bool = False
    """Whether it is about the past alone (clause 5.2.9, the intervals)."""

    @property
    def is_proxied(self) -> bool:
        return self.mode in PROXIED

    def supports(self, operation: str) -> bool:
        return operation in self.operations


def parse_registration(data: Any, context: Context) -> Registration:
    """`context` is that of the names in it. Raises BadRequest naming the member."""
    if not isinstance(data, dict) or data.get("type") != "ContextSourceRegistration":
        raise BadRequest('a registration has "type": "ContextSourceRegistration"')
    mode = data.get("mode", "inclusive")
    if mode not in MODES:
        raise BadRequest(f"mode is not one of {', '.join(sorted(MODES))}")
    _check_rest(data)
    management = _object(data, "management")
    extra = _pairs(data.get("contextSourceInfo"))
    return Registration(
        check_id(data["id"]) if "id" in data else f"urn:ngsi-ld:ContextSourceRegistration:{uuid.uuid4()}",
        tuple(_information(one, context) for one in _filled(data.get("information"), "information")),
        _endpoint(data.get("endpoint")),
        mode,
        _operations(data.get("operations")),
        data.get("tenant"),
        data.get("contextSourceAlias"),
        tuple((key, value) for key, value in extra if key != "jsonldContext"),
        dict(extra).get("jsonldContext"),
        check_time(data["expiresAt"], "expiresAt") if "expiresAt" in data else None,
        frozenset(_texts(data["datasetId"], "datasetId")) if "datasetId" in data else None,
        management.get("localOnly") is True,
        min(_seconds(management, "timeout", PEER_TIMEOUT_S), PEER_TIMEOUT_S),
        _seconds(management, "cooldown", 0.0),
        any(name in data for name in INTERVALS),
    )


def _information(data: Any, context: Context) -> Information:
    if not isinstance(data, dict):
        raise BadRequest("information: each item is an object")
    names = [
        context.expand(name)
        for member in ("propertyNames", "relationshipNames")
        for name in (_texts(data[member], member) if member in data else ())
    ]
    entities = _filled(data["entities"], "information.entities") if "entities" in data else []
    if not entities and not names:
        raise BadRequest("information: an item names entities, properties or relationships")
    return Information(tuple(_entity_info(one, context) for one in entities), frozenset(names))


def _entity_info(data: Any, context: Context) -> EntityInfo:
    if not isinstance(data, dict) or "type" not in data:
        raise BadRequest("information.entities: each item has a type")
    pattern = data.get("idPattern")
    if pattern is not None:
        if not isinstance(pattern, str):
            raise BadRequest("idPattern must be a regular expression")
        check_pattern(pattern)
    types = tuple(context.expand(name) for name in _texts(data["type"], "type"))
    identifier = check_id(data["id"]) if "id" in data else None
    return EntityInfo(types, identifier, None if identifier else pattern)


def _endpoint(value: Any) -> str:
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or True)
    except ValueError:
        good = False
    if not good:
        raise BadRequest("endpoint must be an http(s) URI")
    return str(value).rstrip("/")


def _operations(value: Any) -> frozenset[str]:
    if value is None:
        return GROUPS["federationOps"]
    names = _texts(value, "operations")
    unknown = [name for name in names if name not in GROUPS and name not in OPERATIONS]
    if unknown:
        raise BadRequest(f"operations: unknown {unknown[0][:80]!r}")
    return frozenset().union(*(GROUPS.get(name, frozenset({name})) for name in names))


def _check_rest(data: dict[str, Any]) -> None:
    for name in _TEXTS:
        if name in data and (not isinstance(data[name], str) or not data[name].isprintable() or not data[name]):
            raise BadRequest(f"{name} must be a text that is not empty")
    for name in GEOMETRIES:
        if name in data:
            check_geometry(data[name], name)
    for name in INTERVALS:
        if name in data:
            interval = _object(data, name)
            check_time(interval.get("startAt"), f"{name}.startAt")
            if "endAt" in interval and from_iso(check_time(interval["endAt"], name)) < from_iso(interval["startAt"]):
                raise BadRequest(f"{name} ends before it starts")
    if "scope" in data:
        for scope in _texts(data["scope"], "scope"):
            parse_scopes(scope)


def _object(data: dict[str, Any], name: str) -> dict[str, Any]:
    value = data.get(name, {})
    if not isinstance(value, dict):
        raise BadRequest(f"{name} must be an object")
    return value


def _seconds(data: dict[str, Any], name: str, default: float) -> float:
    value = data.get(name, default * 1000)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise BadRequest(f"management.{name} is a number of milliseconds")
    return value / 1000


def _pairs(value: Any) -> list[tuple[str, str]]:
    items = [] if value is None else value
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise BadRequest("contextSourceInfo must be a list of key and value")
    pairs = [(one.get("key"), one.get("value")) for one in items]
    for key, text in pairs:
        if not (isinstance(key, str) and _TOKEN.fullmatch(key) and isinstance(text, str) and text.isprintable()):
            raise BadRequest("contextSourceInfo: key is a header's name, value a text")
    return pairs


def _filled(value: Any, name: str) -> list[Any]:
    if isinstance(value, list) and value:
        return value
    raise BadRequest(f"{name} must be a list with at least one item")


def _texts(value: Any, name: str) -> list[str]:
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, str) and item for item in items):
        raise BadRequest(f"{name}: a text or a list of texts")
    return items
