"""Which questions may be asked: one SELECT over the tables that are there, by DuckDB's own reading of it.

What is not known to be harmless is refused: of what a FROM may name, only our tables, the question's own common table expressions, and
functions that make rows of nothing. So no file, no address and no other database can be named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

from madang.base.errors import BadRequest
from madang.base.limits import LAKE_SQL_MAX_CHARS

TABLES = frozenset({"observation"})
_FROM = frozenset({"BASE_TABLE", "TABLE_FUNCTION", "SUBQUERY", "JOIN", "EMPTY", "EXPRESSION_LIST", "PIVOT", "SHOW_REF"})
_FUNCTIONS = frozenset({"range", "generate_series", "unnest", "repeat"})
_NAME = re.compile(r"[^\W\d]\w{0,62}\Z")


def read_question(
    connection: duckdb.DuckDBPyConnection, sql: str, sheets: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """The question as DuckDB serializes it. `sheets`: tables beside `observation`. Raises BadRequest naming what cannot be asked."""
    if not sql.strip() or len(sql) > LAKE_SQL_MAX_CHARS or "\x00" in sql:
        raise BadRequest(f"sql: 1 to {LAKE_SQL_MAX_CHARS} characters")
    row = connection.execute("SELECT json_serialize_sql($1)", [sql]).fetchone()
    read: dict[str, Any] = json.loads(row[0]) if row is not None else {"error": True}
    if read.get("error"):
        raise BadRequest(f"sql: {read.get('error_message', 'cannot be read')}")
    if len(read["statements"]) != 1:
        raise BadRequest("sql: one statement")
    tables = TABLES | sheets
    own = set(_own_tables(read, tables))
    for node in _nodes(read):
        _check_source(node, own, tables)
    return read


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in it."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _own_tables(read: Any, tables: frozenset[str]) -> Iterator[str]:
    """Common table expressions. Raises BadRequest for one whose name could be anything but a name."""
    for node in _nodes(read):
        for entry in (node.get("cte_map") or {}).get("map") or ():
            name = str(entry["key"])
            if not _NAME.match(name) or name.lower() in tables:
                raise BadRequest(f"sql: {name[:80]!r} cannot be the name of a WITH")
            yield name


def _check_source(node: dict[str, Any], own: set[str], tables: frozenset[str]) -> None:
    kind = node.get("type")
    if kind == "TABLE_FUNCTION":
        name = str((node.get("function") or {}).get("function_name", "")).lower()
        if name not in _FUNCTIONS:
            raise BadRequest(f"sql: {name[:80]} is not a table here")
    elif kind == "BASE_TABLE":
        table, place = str(node.get("table_name")), (node.get("catalog_name"), node.get("schema_name"))
        if place != ("", "") or (table.lower() not in tables and table not in own):
            raise BadRequest(f"sql: there is no table {table[:80]}; there is {', '.join(sorted(tables))}")
    elif kind == "SHOW_REF" and node.get("table_name"):
        raise BadRequest("sql: SHOW is not possible here; DESCRIBE observation is")
    elif "alias" in node and "sample" in node and kind not in _FROM:
        raise BadRequest(f"sql: {kind} is not possible here")
