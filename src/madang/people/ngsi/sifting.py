"""Entities from several brokers, sifted and sorted as the store does its own (clauses 4.3.6.7, 4.23), pure."""

from __future__ import annotations

from typing import Any

from shapely.geometry import shape

from madang.context.query import Query
from madang.context.row import Row
from madang.model.entity import Entity
from madang.model.evaluate import satisfies, values_at
from madang.model.geometry import distance_m
from madang.model.ordering import Ordering
from madang.model.patterns import found_in
from madang.model.projection import PLAIN
from madang.model.render import geometry_of
from madang.model.subscription import in_scope


def sifted(entity: Entity, query: Query, *, whole: bool) -> bool:
    """Whether an assembled entity is meant; `whole` when its parts were not asked for the conditions."""
    if query.selection is not None and not query.selection.accepts(entity.types.__contains__):
        return False
    if not whole:
        return True
    if query.attrs and entity.body.keys().isdisjoint(query.attrs):
        return False
    if query.q is not None and not satisfies(entity.body, query.q):
        return False
    if query.scopes is not None and not in_scope(entity, query.scopes):
        return False
    return query.geo is None or query.geo.matches(geometry_of(entity, query.geo.attribute))


def in_order(rows: list[Row], order: Ordering | None) -> list[Row]:
    """By id, or as asked; what has no value comes last."""
    out = sorted(rows, key=lambda row: row.entity.id)
    if order is None:
        return out
    for term in reversed(order.terms):
        held = [(row, _value(row, term.path.names[0], term.path)) for row in out]
        have = [pair for pair in held if pair[1] is not None]
        have.sort(key=lambda pair: _comparable(pair[1]), reverse=term.descending)
        out = [row for row, _ in have] + [row for row, value in held if value is None]
    if order.distance is not None:
        distance = order.distance

        def metres(row: Row) -> float:
            place = geometry_of(row.entity, distance.attribute)
            if place is None:
                return float("inf")
            far = distance_m(distance.reference, shape(place))
            return -far if distance.farthest_first else far

        out.sort(key=metres)
    return out


def _value(row: Row, name: str, path: Any) -> Any:
    plain = {"id": row.entity.id, "type": row.entity.types[0], "createdAt": row.stamps.created}
    if name in PLAIN:
        return (plain | {"modifiedAt": row.stamps.modified}).get(name)
    return next(values_at(row.entity.body, path), None)


def _comparable(value: Any) -> tuple[int, Any]:
    """Numbers before texts before the rest."""
    if isinstance(value, int | float):
        return (0, value)
    return (1, value) if isinstance(value, str) else (2, str(value))


def is_meant(query: Query, identifier: str, types: list[str]) -> bool:
    """What a list of ids, a pattern and a list of types cannot say of an entity, and the selectors of a body."""
    if query.selection is not None and not query.selection.accepts(types.__contains__):
        return False
    return not query.any_of or any(_is_selected(one, identifier, types) for one in query.any_of)


def _is_selected(one: Query, identifier: str, types: list[str]) -> bool:
    return (
        (not one.ids or identifier in one.ids)
        and (one.id_pattern is None or found_in(one.id_pattern, identifier))
        and (not one.types or not set(one.types).isdisjoint(types))
        and (one.selection is None or one.selection.accepts(types.__contains__))
    )
