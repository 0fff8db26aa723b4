"""A table of the lake as another table format, for estates of Spark and Trino: Apache Iceberg (spec version 2) or Delta Lake (protocol 1).

It is a copy as of now: a new one takes the place of the one before, as a version more, so that who reads meanwhile reads one of the two.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa

from madang.base.errors import Unavailable
from madang.base.limits import LAKE_EXPORT_BATCH_ROWS

Format = Literal["iceberg", "delta"]
NAMESPACE = "city"


def export(connection: duckdb.DuckDBPyConnection, table: str, form: Format, folder: Path) -> int:
    """Rows of a view of that connection, written below `folder`/`table`. Raises Unavailable without the format's library."""
    reader = connection.execute(f'FROM "{table}"').to_arrow_reader(LAKE_EXPORT_BATCH_ROWS)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return _FORMS[form](reader, table, folder)
    except ImportError as error:
        raise Unavailable(f"{error.name} is not installed: pip install 'madang[export]'") from None


def _delta(reader: pa.RecordBatchReader, table: str, folder: Path) -> int:
    from deltalake import DeltaTable, write_deltalake

    path = folder / table
    write_deltalake(path, reader, mode="overwrite", schema_mode="overwrite")
    return int(DeltaTable(path).to_pyarrow_dataset().count_rows())


def _iceberg(reader: pa.RecordBatchReader, table: str, folder: Path) -> int:
    """With a catalogue in SQLite beside it; whoever has another one registers the newest file of `metadata`."""
    from pyiceberg.catalog.sql import SqlCatalog

    address = f"sqlite:///{folder.resolve()}/catalog.db"
    catalog = SqlCatalog("lake", uri=address, warehouse=folder.resolve().as_uri())
    catalog.create_namespace_if_not_exists(NAMESPACE)
    name, place = f"{NAMESPACE}.{table}", (folder / table).resolve().as_uri()
    made = catalog.create_table_if_not_exists(name, reader.schema, location=place)
    rows = 0
    with made.transaction() as transaction:
        with transaction.update_schema() as change:
            change.union_by_name(reader.schema)
        if made.current_snapshot() is not None:
            transaction.delete("true")
        for batch in reader:
            transaction.append(pa.Table.from_batches([batch]))
            rows += batch.num_rows
    return rows


_FORMS: dict[Format, Callable[[pa.RecordBatchReader, str, Path], int]] = {"delta": _delta, "iceberg": _iceberg}
