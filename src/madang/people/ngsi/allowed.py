"""Which parameters each resource knows: another is an InvalidRequest (clause 6.3.20)."""

from __future__ import annotations

from functools import lru_cache

from madang.base.errors import InvalidRequest
from madang.people.http import parse_query_string
from madang.people.ngsi.forms import check_options
from madang.people.ngsi.parameters import options

_PAGE = {"limit", "offset", "count", "options"}
_FORM = {"options", "format", "lang", "pick", "omit", "attrs", "datasetId", "geometryProperty"}
_JOIN = {"join", "joinLevel", "containedBy"}
_WHERE = {"q", "geometry", "georel", "coordinates", "geoproperty", "bbox", "scopeQ", "csf", "id", "idPattern"}
_DISTRIBUTED = {"local", "via", "type"}
_MAP = {"entityMap", "entityMapLifetime", "splitEntities"}
_ORDER = {"orderBy", "orderFrom", "orderGeometry", "collation"}
_QUERY = _WHERE | _PAGE | _FORM | _JOIN | _DISTRIBUTED | _MAP | _ORDER | {"expandValues", "jsonKeys"}
_WRITE = _DISTRIBUTED | {"options"}
_PURGE = _WHERE | _DISTRIBUTED | {"drop", "keep", "attrs", "geometryProperty", "expandValues", "jsonKeys", "options"}

_TEMPORAL = {"timerel", "timeAt", "endTimeAt", "timeproperty", "lastN", "aggrMethods", "aggrPeriodDuration"}

PARAMETERS: dict[tuple[str, str], set[str]] = {
    ("entities", "GET"): _QUERY,
    ("entities", "POST"): _WRITE,
    ("entities", "DELETE"): _PURGE,
    ("entities/*", "GET"): _FORM | _JOIN | _DISTRIBUTED | _MAP,
    ("entities/*", "PUT"): _WRITE,
    ("entities/*", "PATCH"): _WRITE | {"observedAt", "lang", "format"},
    ("entities/*", "DELETE"): _WRITE,
    ("entities/*/attrs", "POST"): _WRITE,
    ("entities/*/attrs", "PATCH"): _WRITE,
    ("entities/*/attrs/*", "PATCH"): _WRITE,
    ("entities/*/attrs/*", "PUT"): _WRITE,
    ("entities/*/attrs/*", "DELETE"): _WRITE | {"datasetId", "deleteAll"},
    ("entityOperations/create", "POST"): _WRITE,
    ("entityOperations/upsert", "POST"): _WRITE,
    ("entityOperations/update", "POST"): _WRITE,
    ("entityOperations/merge", "POST"): _WRITE | {"observedAt", "lang", "format"},
    ("entityOperations/delete", "POST"): _WRITE,
    ("entityOperations/query", "POST"): _QUERY,
    ("types", "GET"): {"details", "local", "options"},
    ("types/*", "GET"): {"local", "options"},
    ("attributes", "GET"): {"details", "local", "options"},
    ("attributes/*", "GET"): {"local", "options"},
    ("info/sourceIdentity", "GET"): {"local"},
    ("jsonldContexts", "GET"): {"details", "kind"},
    ("jsonldContexts", "POST"): set(),
    ("jsonldContexts/*", "GET"): {"details"},
    ("jsonldContexts/*", "DELETE"): {"reload"},
    ("temporal/entities", "GET"): _QUERY | _TEMPORAL,
    ("temporal/entities", "POST"): _DISTRIBUTED,
    ("temporal/entities/*", "GET"): _FORM | _DISTRIBUTED | _TEMPORAL,
    ("temporal/entities/*", "DELETE"): _DISTRIBUTED,
    ("temporal/entities/*/attrs", "POST"): _DISTRIBUTED,
    ("temporal/entities/*/attrs/*", "DELETE"): _DISTRIBUTED | {"datasetId", "deleteAll"},
    ("temporal/entities/*/attrs/*/*", "PATCH"): _DISTRIBUTED,
    ("temporal/entities/*/attrs/*/*", "DELETE"): _DISTRIBUTED,
    ("temporal/entityOperations/query", "POST"): _QUERY | _TEMPORAL,
    ("entityMaps", "GET"): _QUERY,
    ("entityMaps", "POST"): _QUERY,
    ("entityMaps/*", "GET"): {"local"},
    ("entityMaps/*", "PATCH"): {"local"},
    ("entityMaps/*", "DELETE"): {"local"},
    ("snapshots", "POST"): {"local"},
    ("snapshots", "DELETE"): {"q", "local"},
    ("snapshots/*", "GET"): {"local"},
    ("snapshots/*", "PATCH"): {"local"},
    ("snapshots/*", "DELETE"): {"local"},
    ("snapshots/*/clone", "POST"): {"local"},
    ("temporal/entityMaps", "GET"): _QUERY | _TEMPORAL,
    ("temporal/entityMaps", "POST"): _QUERY | _TEMPORAL,
    ("csourceRegistrations", "GET"): _WHERE
    | {"type", "attrs", "limit", "offset", "count", "options", "datasetId"}
    | {"timerel", "timeAt", "endTimeAt", "timeproperty", "lang"},
    ("csourceRegistrations", "POST"): {"options"},
    ("subscriptions", "GET"): {"limit", "offset", "count", "options", "local"},
    ("subscriptions", "POST"): {"options", "local"},
    ("subscriptions/*", "GET"): {"options", "local"},
    ("subscriptions/*", "PATCH"): {"local"},
    ("subscriptions/*", "DELETE"): {"local"},
    ("csourceRegistrations/*", "GET"): {"options", "local"},
    ("csourceRegistrations/*", "PATCH"): {"local"},
    ("csourceRegistrations/*", "DELETE"): {"local"},
    ("csourceSubscriptions", "GET"): {"limit", "offset", "count", "options"},
    ("csourceSubscriptions", "POST"): {"options"},
    ("csourceSubscriptions/*", "GET"): {"options", "local"},
    ("csourceSubscriptions/*", "PATCH"): {"local"},
    ("csourceSubscriptions/*", "DELETE"): {"local"},
}


@lru_cache(maxsize=4_096)
def check_parameters(shape: str, method: str, raw_query: bytes) -> None:
    """Raises InvalidRequest for a parameter or an option that the resource does not know."""
    known, given = PARAMETERS.get((shape, method)), parse_query_string(raw_query)
    if known is None or not given:
        return
    if unknown := sorted(given.keys() - known):
        raise InvalidRequest(f"unknown parameters: {', '.join(unknown)[:80]}")
    if not shape.startswith("temporal/"):  # whose options are their own
        check_options(options(given))
