"""What to find, and its condition in SQL."""

from __future__ import annotations

from dataclasses import dataclass, field

from madang.base.limits import QUERY_DEFAULT_PAGE
from madang.context.area import Spot
from madang.context.formula_sql import formula_condition
from madang.context.row import Row
from madang.context.sql import Parameters, area_condition, condition, scopes_condition, types_condition, within_circle
from madang.model.geometry import GeoQuery
from madang.model.ordering import Ordering
from madang.model.query import Node
from madang.model.selection import Selection
from madang.model.sight import Filter

Cursor = str | Spot
"""Where an entity stands in the order of an answer: its id, or its spot in an area."""


@dataclass(frozen=True)
class Query:
    """What to find. Names are internal. `types` and `attrs` mean any of them; empty means all.

    `selection` says more than a list of types can; one of `any_of`, if there are any, must be met too; `order`, when None, is
    by id, and of an area by place. `sight`: what may be found by who asks.
    """

    any_of: tuple[Query, ...] = ()
    ids: tuple[str, ...] = ()
    id_pattern: str | None = None
    types: tuple[str, ...] = ()
    selection: Selection | None = None
    scopes: Selection | None = None
    attrs: tuple[str, ...] = ()
    q: Node | None = None
    geo: GeoQuery | None = None
    order: Ordering | None = None
    limit: int = QUERY_DEFAULT_PAGE
    offset: int = 0
    count: bool = False
    after: Cursor | None = None
    sight: Filter | None = None


@dataclass(slots=True)
class Page:
    """`last`: where its last row stands; `Query.after` it begins the next page."""

    rows: list[Row]
    total: int | None = None
    more: bool = field(default=False)
    last: Cursor | None = None


def where(query: Query, parameters: Parameters) -> str:
    """The WHERE condition over `entity`; of an area only what its box says."""
    terms = []
    if query.any_of:
        terms.append("(" + " OR ".join(where(one, parameters) for one in query.any_of) + ")")
    if query.ids:
        terms.append(f"id = ANY({parameters.add(list(query.ids))})")
    if query.id_pattern:
        terms.append(f"id ~ {parameters.add(query.id_pattern)}")
    if query.types:
        terms.append(types_condition(query.types, parameters))
    if query.selection is not None:
        choices = (parameters.add(list(choice)) for choice in query.selection.choices)
        terms.append("(" + " OR ".join(f"types @> {choice}::text[]" for choice in choices) + ")")
    if query.scopes is not None:
        terms.append(scopes_condition(query.scopes, parameters))
    if query.attrs:
        terms.append(f"body ?| {parameters.add(list(query.attrs))}::text[]")
    inside = within_circle(query.geo, parameters) if query.geo is not None else None
    asked = condition(query.q, parameters) if query.q is not None else None
    if inside is not None and asked is not None:
        # PostgreSQL thinks that looking into an entity costs no more than a comparison, and would look into all of them first.
        terms.append(f"CASE WHEN {inside} THEN {asked} ELSE false END")
    else:
        terms += [term for term in (inside, asked) if term is not None]
    if isinstance(query.after, str):
        terms.append(f"id > {parameters.add(query.after)}")
    if query.geo is not None:
        terms.append(area_condition(query.geo, parameters))
    if query.sight is not None:
        terms.append(formula_condition(query.sight.formula, parameters))
    return " AND ".join(terms) or "true"
