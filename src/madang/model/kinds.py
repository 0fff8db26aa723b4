"""Attribute kinds: their value members, and what each value must look like (clauses 4.5.2, 4.5.3, 4.5.18 to 4.5.24)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from madang.base.clock import from_iso, to_iso
from madang.base.errors import BadRequest
from madang.base.limits import ID_MAX_CHARS
from madang.model.context import Context
from madang.model.geometry import check_geometry

NULL = "urn:ngsi-ld:null"
VALUE_KEY = {
    "Property": "value",
    "Relationship": "object",
    "GeoProperty": "value",
    "LanguageProperty": "languageMap",
    "VocabProperty": "vocab",
    "JsonProperty": "json",
    "ListProperty": "valueList",
    "ListRelationship": "objectList",
}
KIND_OF_KEY = {
    "value": "Property",
    "object": "Relationship",
    "languageMap": "LanguageProperty",
    "vocab": "VocabProperty",
    "json": "JsonProperty",
    "valueList": "ListProperty",
    "objectList": "ListRelationship",
}
PREVIOUS = {key: "previous" + key[0].upper() + key[1:] for key in VALUE_KEY.values()}
"""Value member -> the member that tells what it was (clause 4.5.0)."""
TIMES = frozenset({"observedAt", "createdAt", "modifiedAt", "expiresAt", "deletedAt"})
READ_ONLY = frozenset({"createdAt", "modifiedAt", "deletedAt", "instanceId"} | set(PREVIOUS.values()))
MEMBERS = (
    frozenset({"type", "datasetId", "unitCode", "objectType", "lang"})
    | TIMES
    | frozenset(KIND_OF_KEY)
    | frozenset(PREVIOUS.values())
)

# Nearly every id, by one look; what else printable text may be is decided in full.
_PLAIN_URI = re.compile(r"[A-Za-z][!-9;-~]*:[!-~]+").fullmatch


def check_id(value: Any) -> str:
    """An entity id: a URI. Raises BadRequest."""
    if type(value) is str and len(value) <= ID_MAX_CHARS and _PLAIN_URI(value):
        return value
    if not isinstance(value, str) or len(value) > ID_MAX_CHARS:
        raise BadRequest("id must be a URI")
    scheme, colon, rest = value.partition(":")
    if (
        not colon
        or not rest
        or not scheme.isascii()
        or not scheme[:1].isalpha()
        or not value.isprintable()
        or " " in value
    ):
        raise BadRequest(f"id must be a URI: {value[:80]!r}")
    return value


def check_time(value: Any, *name: str) -> str:
    """A DateTime in UTC with `Z`, so that strings compare as times do. `name`: the parts of its path, for the error.

    Raises BadRequest."""
    if isinstance(value, dict):
        value = value.get("@value")
    if not isinstance(value, str):
        raise BadRequest(f"{'.'.join(name) or 'time'} must be an ISO 8601 date and time")
    moment = utc(value)
    if moment is None:
        raise BadRequest(f"{'.'.join(name) or 'time'} must be an ISO 8601 date and time: {value[:40]!r}")
    return moment


@lru_cache(maxsize=4_096)
def utc(text: str) -> str | None:
    """Remembered, since a batch of observations shares its times; None for what is no time."""
    try:
        return to_iso(from_iso(text)) if "T" in text and len(text) < 64 else None
    except (ValueError, OverflowError):
        return None


def check_text(value: Any, *name: str) -> str:
    if not isinstance(value, str):
        raise BadRequest(f"{'.'.join(name)} must be a string")
    return value


def _value(name: str, value: Any, context: Context) -> Any:
    if value is None:
        raise BadRequest(f"{name}: null is not a value; use {NULL!r} to delete")
    return value


def _object(name: str, value: Any, context: Context) -> Any:
    for item in value if isinstance(value, list) else (value,):
        check_id(item)
    return value


def _geometry(name: str, value: Any, context: Context) -> Any:
    if value != NULL:
        check_geometry(value, name)
    return value


def _language_map(name: str, value: Any, context: Context) -> Any:
    good = isinstance(value, dict) and all(
        isinstance(text, str) or (isinstance(text, list) and all(isinstance(item, str) for item in text))
        for text in value.values()
    )
    if not good and value != NULL:
        raise BadRequest(f"{name}: languageMap must map language tags to texts")
    return NULL if value == {"@none": NULL} else value


def _vocab(name: str, value: Any, context: Context) -> Any:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [context.expand(item) for item in value]
    if value == NULL:
        return value
    return context.expand(check_text(value, name))


def _list(name: str, value: Any, context: Context) -> Any:
    if not isinstance(value, list) and value != NULL:
        raise BadRequest(f"{name}: must be a list")
    return NULL if value == [NULL] else value


def _object_list(name: str, value: Any, context: Context) -> Any:
    if value in (NULL, [NULL]):
        return NULL
    items = [item.get("object") if isinstance(item, dict) else item for item in _list(name, value, context)]
    return [check_id(item) for item in items]


VALUE_CHECKS: dict[str, Callable[[str, Any, Context], Any]] = {
    "Property": _value,
    "Relationship": _object,
    "GeoProperty": _geometry,
    "LanguageProperty": _language_map,
    "VocabProperty": _vocab,
    "JsonProperty": lambda name, value, context: value,
    "ListProperty": _list,
    "ListRelationship": _object_list,
}
