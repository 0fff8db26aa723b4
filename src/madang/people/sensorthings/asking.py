"""The system query options of a SensorThings request (OGC 18-088, clause 9.3.3), pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from madang.base.errors import BadRequest
from madang.base.limits import QUERY_MAX_OFFSET, QUERY_MAX_PAGE
from madang.people.ngsi.queries import flag, number
from madang.people.sensorthings.filters import Test, parse_filter, value_at
from madang.people.sensorthings.mapping import NAVIGATION, ONE_OF, Item, Record, related

DEFAULT_TOP = 100
OPTIONS = frozenset({"$top", "$skip", "$count", "$select", "$expand", "$orderby", "$filter", "$resultFormat"})


@dataclass(frozen=True)
class Asked:
    """What a request wants of the members of `set_name`."""

    set_name: str
    top: int = DEFAULT_TOP
    skip: int = 0
    count: bool = False
    select: tuple[str, ...] = ()
    expand: tuple[str, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    test: Test | None = None


def asked_of(given: Mapping[str, str], set_name: str) -> Asked:
    """Raises BadRequest naming the option."""
    if unknown := sorted(given.keys() - OPTIONS):
        raise BadRequest(f"unknown options: {', '.join(unknown)[:80]}")
    expand = _names(given.get("$expand"))
    if wrong := [name for name in expand if name not in NAVIGATION[set_name]]:
        raise BadRequest(f"$expand: {set_name} have no {wrong[0][:40]!r}; one level is expanded")
    return Asked(
        set_name,
        number(given, "$top", DEFAULT_TOP, 0, QUERY_MAX_PAGE),
        number(given, "$skip", 0, 0, QUERY_MAX_OFFSET),
        flag(given, "$count"),
        _names(given.get("$select")),
        expand,
        tuple(map(_term, _names(given.get("$orderby")))),
        parse_filter(given["$filter"]) if "$filter" in given else None,
    )


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip()) if text else ()


def _term(text: str) -> tuple[str, bool]:
    path, _, direction = text.partition(" ")
    if direction.strip() not in ("", "asc", "desc"):
        raise BadRequest("$orderby: asc or desc")
    return path, direction.strip() == "desc"


def page(found: list[Item], asked: Asked, base: str, path: str, given: Mapping[str, str]) -> Record:
    """A page of a collection that is known as a whole."""
    shown = [(item, bare(item, asked.set_name, base)) for item in found]
    if asked.test is not None:
        shown = [one for one in shown if asked.test(one[1])]
    for name, descending in reversed(asked.order):
        shown.sort(key=lambda one: _rank(value_at(one[1], name)), reverse=descending)
    chosen, more = shown[asked.skip : asked.skip + asked.top], len(shown) > asked.skip + asked.top
    return told(chosen, more, len(shown), asked, base, path, given)


def told(
    chosen: list[tuple[Item, Record]],
    more: bool,
    total: int | None,
    asked: Asked,
    base: str,
    path: str,
    given: Mapping[str, str],
) -> Record:
    """A page, with the number of all and the way to the next page."""
    out: Record = {"@iot.count": total} if asked.count else {}
    if more:
        further = dict(given) | {"$top": str(asked.top), "$skip": str(asked.skip + asked.top)}
        out["@iot.nextLink"] = f"{base}/{path}?{urlencode(further, safe='$')}"
    return out | {"value": [dressed(item, record, asked, base) for item, record in chosen]}


def _rank(value: Any) -> tuple[int, Any]:
    """Numbers before texts before everything else, so that any two can be ordered."""
    if isinstance(value, int | float):
        return (0, value)
    return (1, value) if isinstance(value, str) else (2, "")


def link(base: str, set_name: str, identifier: str) -> str:
    """Where a member of a set is; a quote in an id stands twice (OData)."""
    text = identifier.replace("'", "''")
    return f"{base}/{set_name}('{quote(text, safe=':;')}')"


def bare(item: Item, set_name: str, base: str) -> Record:
    """A member with its links."""
    own = link(base, set_name, item.id)
    ways = {f"{name}@iot.navigationLink": f"{own}/{name}" for name in NAVIGATION[set_name]}
    return {"@iot.id": item.id, "@iot.selfLink": own} | item.body | ways


def dressed(item: Item, record: Record, asked: Asked, base: str) -> Record:
    """The member as it was asked for: cut to `$select`, with what `$expand` names inside."""
    if asked.select:
        kept = {"@iot.id" if name == "id" else name for name in asked.select}
        record = {name: value for name, value in record.items() if name in kept}
    for name in asked.expand:
        inside = [bare(one, ONE_OF.get(name, name), base) for one in related(item, name)]
        record = {key: value for key, value in record.items() if key != f"{name}@iot.navigationLink"}
        record |= {name: next(iter(inside), None) if name in ONE_OF else inside}
    return record
