"""The order of temporal entities (clause 4.23): by id, type, times of the entity, or the latest instance of an attribute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from madang.history.evolution import Evolution
from madang.history.store import Known
from madang.model.kinds import VALUE_KEY
from madang.model.ordering import Term


class Ordered(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def known(self) -> Known: ...
    @property
    def evolution(self) -> Evolution: ...


One = TypeVar("One", bound=Ordered)


def ordered(found: Sequence[One], terms: Sequence[Term]) -> list[One]:
    """By the first term, equals by the next; who lacks the member comes last."""
    out = list(found)
    for term in reversed(terms):
        there = [one for one in out if _value(one, term.path.names) is not None]
        lacking = [one for one in out if _value(one, term.path.names) is None]
        out = sorted(there, key=lambda one: _key(_value(one, term.path.names)), reverse=term.descending) + lacking
    return out


def _key(value: Any) -> tuple[int, Any]:
    if isinstance(value, bool | int | float):
        return (0, value)
    return (1, value) if isinstance(value, str) else (2, str(value))


def _value(one: Ordered, path: tuple[str, ...]) -> Any:
    if path[0] in ("id", "type"):
        return one.id if path[0] == "id" else one.known.types[0]
    if path[0] in ("createdAt", "modifiedAt"):
        return one.known.first if path[0] == "createdAt" else one.known.last
    instances = [event[3] for event in one.evolution.get(path[0], [])]
    default = [instance for instance in instances if "datasetId" not in instance]
    found: Any = (default or instances or [{}])[-1]
    for name in path[1:]:
        found = found.get(name) if isinstance(found, dict) else None
    is_attribute = isinstance(found, dict) and found.get("type") in VALUE_KEY
    return found[VALUE_KEY[found["type"]]] if is_attribute else found
