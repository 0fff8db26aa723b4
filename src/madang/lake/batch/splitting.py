"""One question as two: what is asked of each part of the rows, and how the answers become one. DuckDB's own parser reads and writes SQL.

Aggregates over parts (Gray et al. 1997, "Data Cube", section 5): count, sum, min and max are distributive, avg is algebraic (a sum and a
count); what is holistic (medians, distinct counts, windows) has no answer of parts, and is refused rather than guessed.
"""

from __future__ import annotations

import json
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from madang.base.errors import BadRequest
from madang.lake.sql.pushing import nodes_in

Node = dict[str, Any]
PARTS = "parts"
_AVERAGES = frozenset({"avg", "mean"})
_MERGED = {name: f"{name}({{0}})" for name in ("sum", "min", "max", "bool_and", "bool_or")}
_MERGED |= dict.fromkeys(("count", "count_star"), "coalesce(sum({0}), 0)::BIGINT")
_MERGED |= dict.fromkeys(_AVERAGES, "sum({0}) / nullif(sum({1}), 0)")
_ALLOWED = frozenset({"ORDER_MODIFIER", "LIMIT_MODIFIER"})


@dataclass(frozen=True)
class Split:
    """`part` is asked of each part of `table`; `whole` of their answers, which are the table `parts`."""

    table: str
    part: str
    whole: str


def read(connection: duckdb.DuckDBPyConnection, sql: str) -> Node:
    """One SELECT of one table, as DuckDB serializes it. Raises BadRequest."""
    told = json.loads(_one(connection, "SELECT json_serialize_sql($1)", sql))
    if told.get("error") or len(told["statements"]) != 1:
        raise BadRequest(f"sql: {told.get('error_message', 'one SELECT')}")
    node: Node = told["statements"][0]["node"]
    source = node.get("from_table") or {}
    if node["type"] != "SELECT_NODE" or source.get("type") != "BASE_TABLE" or node["cte_map"]["map"]:
        raise BadRequest("by parts: one SELECT of one table, without WITH")
    return node


def split(connection: duckdb.DuckDBPyConnection, sql: str, names: Sequence[str], columns: Container[str]) -> Split:
    """`names` of the answer's columns, `columns` of the table. Raises BadRequest for what cannot be answered by parts."""
    node = read(connection, sql)
    aggregates = frozenset(
        row[0]
        for row in connection.execute("SELECT function_name FROM duckdb_functions() WHERE function_type = 'aggregate'").fetchall()
    )  # fmt: skip
    _check(node, aggregates)
    made = _Splitting(connection, node, aggregates, columns).split(names)
    part, whole = (_one(connection, "SELECT json_deserialize_sql($1::JSON)", _statement(one)) for one in made)
    return Split(node["from_table"]["table_name"], part, whole)


def _check(node: Node, aggregates: frozenset[str]) -> None:
    if {one["type"] for one in node["modifiers"]} - _ALLOWED or node.get("qualify") or node["from_table"].get("sample"):
        raise BadRequest("by parts: no DISTINCT, QUALIFY or sample")
    if any(one.get("offset") for one in node["modifiers"]) or len(node["group_sets"]) > 1:
        raise BadRequest("by parts: no OFFSET, CUBE, ROLLUP or GROUPING SETS")
    for one in nodes_in(node):
        if one.get("class") in ("WINDOW", "SUBQUERY"):
            raise BadRequest("by parts: no windows, and no question within the question")
        name = one.get("function_name")
        if name in aggregates and (name not in _MERGED or one["distinct"] or one["order_bys"]["orders"]):
            raise BadRequest(f"by parts: {name} has no answer of parts")


class _Splitting:
    """Collects what each part tells: groups, and what aggregates are made of."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, node: Node, aggregates: frozenset[str], columns: Container[str]
    ) -> None:
        self._connection, self._node, self._aggregates, self._of_table = connection, node, aggregates, columns
        self._columns: list[Node] = []
        self._seen: dict[str, Node] = {}

    def split(self, names: Sequence[str]) -> tuple[Node, Node]:
        """The question of a part, and of the whole."""
        groups = self._groups()
        parts = self._node["from_table"] | {"table_name": PARTS}
        if not groups and not self._is_aggregated(self._node):
            return self._node, self._node | {
                "select_list": [self._read("*")],
                "where_clause": None,
                "from_table": parts,
            }
        for group in groups:
            self._seen[_key(group)] = self._told(group)
        listed = zip(self._node["select_list"], names, strict=True)
        sets = {"group_sets": [list(range(len(groups)))] if groups else [], "aggregate_handling": "STANDARD_HANDLING"}
        whole = self._node | sets | {
            "select_list": [self._merged(one) | {"alias": name} for one, name in listed],
            "from_table": parts,
            "where_clause": None,
            "group_expressions": [self._seen[_key(group)] for group in groups],
            "having": self._merged(self._node["having"]),
            "modifiers": self._merged(self._node["modifiers"]),
        }  # fmt: skip
        made = {"select_list": self._columns, "group_expressions": groups, "having": None, "modifiers": []}
        return self._node | sets | made, whole

    def _groups(self) -> list[Node]:
        """Expressions, where a number or the name of a column of the answer stood, or ALL."""
        listed: list[Node] = self._node["select_list"]
        if self._node["aggregate_handling"] == "FORCE_AGGREGATES":
            return [one | {"alias": ""} for one in listed if not self._is_aggregated(one)]
        return [self._group(one, listed) | {"alias": ""} for one in self._node["group_expressions"]]

    def _group(self, one: Node, listed: list[Node]) -> Node:
        """A column of the table goes before a name of the answer."""
        if one["type"] == "VALUE_CONSTANT":
            return listed[int(one["value"]["value"]) - 1]
        names = one.get("column_names") or [""]
        aliased = [each for each in listed if [each["alias"]] == names and names[0] not in self._of_table]
        return aliased[0] if aliased else one

    def _is_aggregated(self, node: Node) -> bool:
        return any(one.get("function_name") in self._aggregates for one in nodes_in(node))

    def _merged(self, value: Any) -> Any:
        """The same, over the answers of parts."""
        if isinstance(value, list):
            return [self._merged(one) for one in value]
        if not isinstance(value, dict):
            return value
        if "class" in value and _key(value) in self._seen:
            return self._seen[_key(value)]
        if value.get("function_name") in self._aggregates:
            self._seen[_key(value)] = self._aggregate(value)
            return self._seen[_key(value)]
        return {name: self._merged(one) for name, one in value.items()}

    def _aggregate(self, node: Node) -> Node:
        name = node["function_name"]
        made_of = ("sum", "count") if name in _AVERAGES else (name,)
        told = [self._told(node | {"function_name": one})["column_names"][0] for one in made_of]
        return self._read(_MERGED[name].format(*told))

    def _told(self, node: Node) -> Node:
        """A column more of what each part tells; by which name."""
        name = f"c{len(self._columns)}"
        self._columns.append(node | {"alias": name})
        return self._read(name)

    def _read(self, expression: str) -> Node:
        found: Node = json.loads(_one(self._connection, "SELECT json_serialize_sql($1)", f"SELECT {expression}"))
        read_one: Node = found["statements"][0]["node"]["select_list"][0]
        return read_one


def _key(node: Node) -> str:
    """The same for the same expression, wherever it stands and whatever it is called."""
    return json.dumps(_bare(node), sort_keys=True)


def _bare(value: Any) -> Any:
    if isinstance(value, list):
        return [_bare(one) for one in value]
    if isinstance(value, dict):
        return {name: _bare(one) for name, one in value.items() if name not in ("query_location", "alias")}
    return value


def _statement(node: Node) -> str:
    return json.dumps({"error": False, "statements": [{"node": node, "named_param_map": []}]})


def _one(connection: duckdb.DuckDBPyConnection, sql: str, value: str) -> str:
    row = connection.execute(sql, [value]).fetchone()
    assert row is not None
    return str(row[0])
