"""What of a question may be asked of the files before anybody knows what is to be hidden.

A filter stands behind a limit, which no condition of a question passes (see worker): else one that fails on a hidden row would tell of it.
So that a question about one day need not read ten years, comparisons that cannot fail on any row are asked below it as well: a column
with constants of its own kind. The question still asks all of its own; leaving one out here costs time, never an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from madang.lake.shape import COLUMNS
from madang.lake.sql.filtering import quoted

Node = dict[str, Any]
_FIXED = re.compile(r'"(type|attribute|entity_id)" = (\'(?:[^\']|\'\')*\')')
_KINDS = {name: kind for name, kind in COLUMNS}
_COMPARISONS = {
    "COMPARE_EQUAL": ("=", "="),
    "COMPARE_LESSTHAN": ("<", ">"),
    "COMPARE_LESSTHANOREQUALTO": ("<=", ">="),
    "COMPARE_GREATERTHAN": (">", "<"),
    "COMPARE_GREATERTHANOREQUALTO": (">=", "<="),
}
_WHOLE = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"})
_TIMES = frozenset({"TIMESTAMP", "DATE", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S"})


def pushed(read: Node) -> str:
    """The condition, of a question as DuckDB serializes it; `true` where nothing can be said below, as of one with several sources."""
    return " AND ".join(_all(read)) or "true"


def fixed(read: Node) -> dict[str, str]:
    """Columns that are one text in every row that is asked for, and that text as SQL: what is asked of them is answered once."""
    found = (_FIXED.fullmatch(term) for term in _all(read))
    return {match[1]: match[2] for match in found if match}


def _all(read: Node) -> list[str]:
    nodes = list(nodes_in(read))
    sources = [
        one for one in nodes if one.get("type") == "BASE_TABLE" and one.get("table_name", "").lower() == "observation"
    ]
    selects = [one for one in nodes if one.get("type") == "SELECT_NODE" and one.get("from_table") in sources]
    if len(sources) != 1 or len(selects) != 1 or sources[0].get("column_name_alias"):
        return []
    if sources[0].get("sample") or selects[0].get("sample"):  # drawn before any condition
        return []
    alias = str(sources[0].get("alias") or "observation").lower()
    return [sql for term in _terms(selects[0].get("where_clause")) if (sql := _told(term, alias))]


def nodes_in(value: Any) -> Iterator[Node]:
    """All of a question as DuckDB serializes it, whatever lies in what."""
    if isinstance(value, dict):
        yield value
        for one in value.values():
            yield from nodes_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from nodes_in(one)


def _terms(clause: Node | None) -> Iterator[Node]:
    """What all must be true."""
    if clause is None:
        return
    if clause["type"] == "CONJUNCTION_AND":
        for child in clause["children"]:
            yield from _terms(child)
    else:
        yield clause


def _told(term: Node, alias: str) -> str:
    """As SQL; empty for what may not be said below."""
    kind = term["type"]
    if kind in _COMPARISONS:
        left, right = _COMPARISONS[kind]
        return _compared(term["left"], left, [term["right"]], alias) or _compared(
            term["right"], right, [term["left"]], alias
        )
    if kind == "COMPARE_BETWEEN":
        low = _compared(term["input"], ">=", [term["lower"]], alias)
        high = _compared(term["input"], "<=", [term["upper"]], alias)
        return f"{low} AND {high}" if low and high else ""
    if kind == "COMPARE_IN":
        return _compared(term["children"][0], "IN", term["children"][1:], alias)
    return ""


def _compared(column: Node, sign: str, constants: list[Node], alias: str) -> str:
    name = _column(column, alias)
    values = [_constant(one, _KINDS[name]) for one in constants] if name else []
    if not values or not all(values):
        return ""
    return f'"{name}" {sign} ' + (f"({', '.join(values)})" if sign == "IN" else values[0])


def _column(node: Node, alias: str) -> str:
    """Its name; empty for anything else."""
    names = [str(one).lower() for one in node.get("column_names", ())] if node.get("type") == "COLUMN_REF" else []
    own = names[1:] if len(names) == 2 and names[0] == alias else names
    return own[0] if len(own) == 1 and own[0] in _KINDS else ""


def _constant(node: Node, kind: str) -> str:
    """As SQL, where the column need not be made another kind for it; else empty."""
    if (
        node["type"] == "OPERATOR_CAST"
        and kind == "TIMESTAMP"
        and node["cast_type"]["id"] in _TIMES
        and not node["try_cast"]
    ):
        inner = _constant(node["child"], "VARCHAR")
        return f"CAST({inner} AS {node['cast_type']['id']})" if inner else ""
    if node["type"] != "VALUE_CONSTANT" or node["value"]["is_null"]:
        return ""
    of, value = node["value"]["type"], node["value"]["value"]
    if kind in ("VARCHAR", "TIMESTAMP") and of["id"] == "VARCHAR":
        return quoted(str(value))
    if kind in ("BIGINT", "DOUBLE") and of["id"] in _WHOLE:
        return str(int(value))
    if kind == "DOUBLE" and of["id"] == "DECIMAL":
        return str(Decimal(int(value)).scaleb(-of["type_info"]["scale"]))
    return repr(float(value)) if kind == "DOUBLE" and of["id"] == "DOUBLE" else ""
