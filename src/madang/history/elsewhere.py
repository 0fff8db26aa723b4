"""The past of one entity in several brokers, put together (clauses 5.7.3, 5.7.4, 4.5.5), pure."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from madang.base.errors import BadRequest
from madang.history.evolution import ELSEWHERE, Event, Evolution, last_of
from madang.history.search import Found
from madang.history.store import Known
from madang.history.window import Window
from madang.model.context import Context
from madang.model.entity import parse_attribute, parse_entity
from madang.model.kinds import check_time

_HEAD = ("id", "type", "@id", "@type")
_NOT_ATTRIBUTES = frozenset({*_HEAD, "@context", "scope", "createdAt", "modifiedAt", "deletedAt"})
_STAMPS = ("createdAt", "modifiedAt", "deletedAt")


@dataclass(frozen=True)
class Part:
    """What one broker knows; of the same instance the lower rank counts, then what was changed last."""

    found: Found
    rank: int


def received(data: Any, context: Context, window: Window, names: Iterable[str], now: str) -> Found:
    """A temporal entity as another broker told it, as far as it lies in the window; `names` are the attributes that count, none:
    all; `now` stands for the times that it did not tell. Raises BadRequest."""
    if not isinstance(data, dict):
        raise BadRequest("a temporal entity must be a JSON object")
    entity = parse_entity({name: data[name] for name in _HEAD if name in data}, context)
    kept, evolution = frozenset(names), {}
    for name, value in data.items():
        inner = name if name in _NOT_ATTRIBUTES else context.expand(name)
        if inner in _NOT_ATTRIBUTES or (kept and inner not in kept):
            continue
        events = list(_events(name, value if isinstance(value, list) else [value], context, window))
        if events:
            evolution[inner] = events
    times = _stamps(data)
    first, last = times.get("createdAt", now), times.get("deletedAt", times.get("modifiedAt", now))
    return Found(entity.id, Known(entity.types, first, last, "deletedAt" in times), evolution)


def _events(name: str, listed: list[Any], context: Context, window: Window) -> Iterator[Event]:
    for place, raw in enumerate(listed):
        instance = parse_attribute(name, raw, context)
        if not isinstance(raw, dict) or not isinstance(instance, dict):
            raise BadRequest(f"{name}: an instance is an object")
        instance |= _stamps(raw)
        at = instance.get(window.property)
        if at is None and not window.strict:
            at = instance.get("modifiedAt", "")
        if at is not None and window.holds(at):
            told = raw.get("instanceId")
            instance["instanceId"] = told if isinstance(told, str) else _made_up(instance)
            yield at, ELSEWHERE, place, instance


def _stamps(raw: dict[str, Any]) -> dict[str, str]:
    return {name: check_time(raw[name], name) for name in _STAMPS if name in raw}


def _made_up(instance: dict[str, Any]) -> str:
    """Always the same for the same instance of a broker that gives it no id."""
    told = msgspec.json.encode(instance, order="deterministic").decode()
    return f"urn:ngsi-ld:Instance:{uuid.uuid5(uuid.NAMESPACE_OID, told)}"


def merged(parts: list[Part], window: Window) -> list[Found]:
    """One of each entity, in the order of ids."""
    grouped: dict[str, list[Part]] = {}
    for part in parts:
        grouped.setdefault(part.found.id, []).append(part)
    return [_one(grouped[identifier], window) for identifier in sorted(grouped)]


def _one(parts: list[Part], window: Window) -> Found:
    known = [part.found.known for part in parts]
    types = list(dict.fromkeys(name for one in known for name in one.types))
    first, last = min(one.first for one in known), max(one.last for one in known)
    evolution: Evolution = {}
    for name in dict.fromkeys(name for part in parts for name in part.found.evolution):
        events = _folded([(part.rank, event) for part in parts for event in part.found.evolution.get(name, [])])
        evolution[name] = events if window.last is None else last_of(events, window.last)
    return Found(parts[0].found.id, Known(types, first, last, all(one.deleted for one in known)), evolution)


def _folded(ranked: list[tuple[int, Event]]) -> list[Event]:
    best: dict[Any, tuple[tuple[int, str], Event]] = {}
    for rank, event in ranked:
        instance = event[3]
        key = (event[0], instance.get("datasetId"), instance.get("observedAt"))
        weight = (-rank, instance.get("modifiedAt", ""))
        if key not in best or weight > best[key][0]:
            best[key] = (weight, event)
    kept = sorted((event for _, event in best.values()), key=lambda event: event[:3])
    return [(at, seq, place if seq != ELSEWHERE else number, one) for number, (at, seq, place, one) in enumerate(kept)]
