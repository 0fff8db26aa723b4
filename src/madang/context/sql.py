"""Query trees as SQL conditions over `entity.body`, values only ever as parameters.

Each leaf is one jsonpath predicate whose strings are JSON-escaped, bound as a parameter: no text of a caller becomes SQL.
The meaning is that of `model.evaluate`; a property test compares the two.
"""

from __future__ import annotations

import json
import math
from datetime import datetime

from madang.base.clock import from_iso
from madang.base.errors import BadRequest
from madang.model.geometry import CITY_M, EARTH_RADIUS_M, SURELY, Box, GeoQuery
from madang.model.ordering import Ordering, Term
from madang.model.query import All, Between, Compare, Differs, Exists, Linked, Matches, Node, Path, Some
from madang.model.scanner import Scalar
from madang.model.selection import Selection

_TEXT_KEYS = ("value", "object", "vocab", "json", "valueList", "objectList")
_OTHER_KEYS = ("value", "json", "valueList")
_ALL_KEYS = ("value", "object", "languageMap", "vocab", "json", "valueList", "objectList")
_ROUNDING = 1e-9
_POLAR_DEG = 80
_COLUMNS = {"createdAt": "created_at", "modifiedAt": "modified_at"}


class Parameters:
    """Positional parameters of one statement."""

    def __init__(self) -> None:
        self.values: list[object] = []

    def add(self, value: object) -> str:
        self.values.append(value)
        return f"${len(self.values)}"


def condition(node: Node, parameters: Parameters, table: str = "entity") -> str:
    """The WHERE condition of a query tree over the innermost `table`."""
    if isinstance(node, All):
        return "(" + " AND ".join(condition(term, parameters, table) for term in node.terms) + ")"
    if isinstance(node, Some):
        return "(" + " OR ".join(condition(term, parameters, table) for term in node.terms) + ")"
    if isinstance(node, Linked):
        return _linked(node, parameters, table)
    test = node.test if isinstance(node, Differs) else node
    if len(test.path.names) == 1 and test.path.names[0] in _COLUMNS:
        return _column(node, test, parameters, table)
    return f"{table}.body @@ {parameters.add(jsonpath(node))}::jsonpath"


def _linked(node: Linked, parameters: Parameters, table: str) -> str:
    inner = f"{table}_linked"
    objects = parameters.add(f"{_base(Path((node.relation,)))}.object[*]")
    lists = parameters.add(f"{_base(Path((node.relation,)))}.objectList[*]")
    terms = [
        f"{inner}.id IN (SELECT jsonb_path_query({table}.body, {objects}::jsonpath) #>> '{{}}'"
        f" UNION ALL SELECT jsonb_path_query({table}.body, {lists}::jsonpath) #>> '{{}}')",
        condition(node.test, parameters, inner),
    ]
    if node.types:
        terms.append(f"{inner}.types && {parameters.add(list(node.types))}::text[]")
    return f"EXISTS (SELECT FROM entity AS {inner} WHERE {' AND '.join(terms)})"


def jsonpath(node: Node) -> str:
    """One leaf as a jsonpath predicate."""
    if isinstance(node, Exists):
        return _exists(node.path)
    if isinstance(node, Differs):
        return f"({_exists(node.test.path)} && !({jsonpath(node.test)}))"
    if isinstance(node, Compare | Between | Matches):
        tests = [_test(target, node) for target in _targets(node)]
        return f"exists({_base(node.path)} ? ({' || '.join(tests)}))"
    raise TypeError(f"not a leaf: {node}")


def _quote(text: str) -> str:
    if "\x00" in text:
        raise BadRequest("q: a NUL character matches nothing")
    return json.dumps(text)


def _base(path: Path) -> str:
    return "$" + "".join(f".{_quote(name)}" for name in path.names)


def _inside(path: Path) -> str:
    return "".join(f".{_quote(name)}" for name in path.inside)


def _exists(path: Path) -> str:
    base = _base(path)
    if not path.inside:
        return f"exists({base})"
    # A filter would look into a list, and find nothing in an empty one; its type is that of the list itself.
    return "(" + " || ".join(f'exists({base}.{key}{_inside(path)}.type() ? (@ != "null"))' for key in _ALL_KEYS) + ")"


def _targets(node: Compare | Between | Matches) -> list[str]:
    values = _values(node)
    text = any(isinstance(value, str) for value in values)
    keys = _ALL_KEYS if node.path.inside else _TEXT_KEYS if text else _OTHER_KEYS
    targets = [f"@.{key}{_inside(node.path)}" for key in keys]
    if text:
        targets += [f'{target}."@value"' for target in targets]
    return targets if node.path.inside else ["@", *targets]


def _values(node: Compare | Between | Matches) -> tuple[Scalar, ...]:
    if isinstance(node, Compare):
        return node.values
    return (node.low, node.high) if isinstance(node, Between) else (node.pattern,)


def _test(target: str, node: Compare | Between | Matches) -> str:
    if isinstance(node, Matches):
        return f"{target} like_regex {_quote(node.pattern)}" + (' flag "i"' if node.ignore_case else "")
    if isinstance(node, Between):
        # One filter, so that both bounds are asked of the same item of a list.
        return f'exists({target} ? (@.type() != "array" && @ >= {_literal(node.low)} && @ <= {_literal(node.high)}))'
    ordered = node.operator != "==" and any(isinstance(value, bool) for value in node.values)
    if ordered:
        return "(1 == 2)"
    return "(" + " || ".join(f"{target} {node.operator} {_literal(value)}" for value in node.values) + ")"


def _literal(value: Scalar) -> str:
    return _quote(value) if isinstance(value, str) else json.dumps(value)


def _column(node: Node, test: Node, parameters: Parameters, table: str) -> str:
    column = f"{table}." + _COLUMNS[test.path.names[0]]  # type: ignore[union-attr]
    if isinstance(test, Exists):
        return "true"
    if isinstance(test, Between):
        sql = f"{column} BETWEEN {_time(test.low, parameters)} AND {_time(test.high, parameters)}"
    elif isinstance(test, Compare):
        sign = "=" if test.operator == "==" else test.operator
        sql = " OR ".join(f"{column} {sign} {_time(value, parameters)}" for value in test.values)
    else:
        raise BadRequest("q: a time cannot be matched with a pattern")
    return f"NOT ({sql})" if isinstance(node, Differs) else f"({sql})"


def _time(value: Scalar, parameters: Parameters) -> str:
    try:
        moment: datetime = from_iso(str(value))
    except ValueError:
        raise BadRequest("q: not a time") from None
    return parameters.add(moment) + "::timestamptz"


def order_by(order: Ordering | None, parameters: Parameters) -> str:
    """The ORDER BY list: kinds of value in the order of clause 4.23.2, what is absent last, ids to decide."""
    if order is None or not order.terms:
        return "id"
    return ", ".join(_order_term(term, order.collation, parameters) for term in order.terms) + ", id"


def _order_term(term: Term, collation: str | None, parameters: Parameters) -> str:
    direction = "DESC" if term.descending else "ASC"
    (name, *below), inside = term.path.names, term.path.inside
    if name in ("id", "type") and not below and not inside:
        return _text_order(name, collation, direction)
    if name in _COLUMNS and not below:
        return f"{_COLUMNS[name]} {direction}"
    value = _order_value(term.path, parameters)
    text = f"({value} #>> '{{}}')"
    return (
        f"array_position(ARRAY['number','string','object','array','boolean','null'], jsonb_typeof({value})) NULLS LAST, "
        f"CASE jsonb_typeof({value}) WHEN 'number' THEN ({value})::numeric END {direction}, "
        + _text_order(text, collation, direction)
    )


def _text_order(text: str, collation: str | None, direction: str) -> str:
    """Not every PostgreSQL has ICU, the embedded one has not: without a wish letters come before their accents and cases."""
    if collation is not None:
        return f'{text} COLLATE "{collation}-x-icu" {direction}'
    return f'lower(normalize({text}, NFKD)) COLLATE "C" {direction}, {text} COLLATE "C" {direction}'


def _order_value(path: Path, parameters: Parameters) -> str:
    """The first value the path leads to: of an attribute its value, of a member (`observedAt`) the member itself."""
    ends = [f".{key}{_inside(path)}" for key in _ALL_KEYS] + ([] if path.inside else [""])
    firsts = (parameters.add(_base(path) + end) for end in ends)
    return "coalesce(" + ", ".join(f"jsonb_path_query_first(body, {first}::jsonpath)" for first in firsts) + ")"


def types_condition(types: tuple[str, ...], parameters: Parameters) -> str:
    names = parameters.add(list(types))
    return f"(type = ANY({names}) OR (cardinality(types) > 1 AND types && {names}::text[]))"


def scopes_condition(scopes: Selection, parameters: Parameters) -> str:
    def has(pattern: str) -> str:
        found = "SELECT FROM jsonb_array_elements_text(body->'scope') AS scope WHERE scope ~ "
        return f"EXISTS ({found}{parameters.add(pattern)})"

    return "(" + " OR ".join(" AND ".join(map(has, choice)) for choice in scopes.choices) + ")"


def area_condition(geo: GeoQuery, parameters: Parameters) -> str:
    area = geo.box()
    if geo.attribute != "location" or area is None:
        return f"body ? {parameters.add(geo.attribute)}"
    return f"place && {box_sql(area, parameters)}"


def within_circle(geo: GeoQuery, parameters: Parameters) -> str | None:
    """Lets everything pass whose box the circle of the query touches, and hardly anything else: the haversine of the angle to
    the nearest corner or side. None when the query has no circle, or one so large that a box has no nearest side on a map."""
    circle = geo.circle() if geo.attribute == "location" else None
    if circle is None or circle[2] > CITY_M or abs(circle[1]) > _POLAR_DEG:
        return None
    longitude, latitude, metres = circle
    x, y, shrinks = (
        parameters.add(value) + "::float8" for value in (longitude, latitude, math.cos(math.radians(latitude)))
    )
    most = parameters.add(math.sin(metres / SURELY / EARTH_RADIUS_M / 2) ** 2 + _ROUNDING**2)
    nearest_x, nearest_y = (
        f"greatest((place[1])[{axis}], least((place[0])[{axis}], {value}))" for axis, value in ((0, x), (1, y))
    )
    return (
        f"power(sin(radians({nearest_y} - {y}) / 2), 2) + {shrinks} * cos(radians({nearest_y}))"
        f" * power(sin(radians({nearest_x} - {x}) / 2), 2) <= {most}::float8"
    )


def box_sql(area: Box, parameters: Parameters) -> str:
    west, south, east, north = (parameters.add(value) + "::float8" for value in area)
    return f"box(point({west}, {south}), point({east}, {north}))"
