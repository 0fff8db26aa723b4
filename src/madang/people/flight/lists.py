"""What a tool is told before it asks: which tables there are, and who answers. Tables of Arrow, as FlightSql.proto has them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa

from madang import __version__
from madang.people.flight.commands import Listing

_TABLES = pa.schema(
    [
        ("catalog_name", pa.string()),
        ("db_schema_name", pa.string()),
        pa.field("table_name", pa.string(), nullable=False),
        pa.field("table_type", pa.string(), nullable=False),
    ]
)
_NAMELESS = ""  # catalogue and schema: a question names tables alone, and tools leave out what has no name
_INFOS: dict[int, str | bool] = {0: "Madang", 1: __version__, 2: pa.__version__, 3: True}
"""SqlInfo: server's name and version, Arrow's version, read only."""


def listed(wanted: Listing, tables: Mapping[str, pa.Schema | None]) -> pa.Table:
    """`tables` by name, with their columns where they are wanted."""
    if wanted.kind == "CommandGetTables":
        return _tables(wanted, tables)
    if wanted.kind == "CommandGetTableTypes":
        return _column("table_type", ["TABLE"])
    if wanted.kind == "CommandGetSqlInfo":
        return _infos(wanted.infos)
    return _column("catalog_name", [_NAMELESS]) if wanted.kind == "CommandGetCatalogs" else _schemas()


def matching(names: Sequence[str], pattern: str) -> list[str]:
    """Of LIKE: `%` stands for any text, `_` for a character."""
    expression = "".join({"%": ".*", "_": "."}.get(one, re.escape(one)) for one in pattern)
    return [name for name in names if re.fullmatch(expression, name)]


def _tables(wanted: Listing, tables: Mapping[str, pa.Schema | None]) -> pa.Table:
    names = list(tables)
    nameless = [_NAMELESS] * len(names)
    found = pa.table([nameless, nameless, names, ["TABLE"] * len(names)], schema=_TABLES)
    if not wanted.has_schema:
        return found
    schemas = [(one or pa.schema([])).serialize().to_pybytes() for one in tables.values()]
    return found.append_column(pa.field("table_schema", pa.binary(), nullable=False), pa.array(schemas, pa.binary()))


def _column(name: str, values: list[str]) -> pa.Table:
    return pa.table([values], schema=pa.schema([pa.field(name, pa.string(), nullable=False)]))


def _schemas() -> pa.Table:
    fields = [("catalog_name", pa.string()), pa.field("db_schema_name", pa.string(), nullable=False)]
    return pa.table([[_NAMELESS], [_NAMELESS]], schema=pa.schema(fields))


def _infos(codes: Sequence[int]) -> pa.Table:
    """The value is a dense union of text, truth value, number, bitmask, list and map."""
    known = {code: value for code, value in _INFOS.items() if not codes or code in codes}
    kinds = [1 if isinstance(value, bool) else 0 for value in known.values()]
    texts = [value for value in known.values() if isinstance(value, str)]
    flags = [value for value in known.values() if isinstance(value, bool)]
    offsets = [kinds[:place].count(kind) for place, kind in enumerate(kinds)]
    others = [pa.int64(), pa.int32(), pa.list_(pa.string()), pa.map_(pa.int32(), pa.list_(pa.int32()))]
    children = [pa.array(texts, pa.string()), pa.array(flags, pa.bool_()), *(pa.array([], one) for one in others)]
    names = ["string_value", "bool_value", "bigint_value", "int32_bitmask", "string_list", "int32_to_int32_list_map"]
    union = pa.UnionArray.from_dense(pa.array(kinds, pa.int8()), pa.array(offsets, pa.int32()), children, names)
    fields = [pa.field("info_name", pa.uint32(), nullable=False), pa.field("value", union.type, nullable=False)]
    return pa.table([pa.array(list(known), pa.uint32()), union], schema=pa.schema(fields))
