"""DuckDB with the lake attached: DuckLake whose catalogue is a schema of the city's own PostgreSQL, Parquet on disk or at an S3-compatible
store. Extensions come from their wheels; nothing is looked for on the net."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import duckdb

from madang.base.errors import BadRequest, Unavailable

SCHEMA = "lake"
"""Of the catalogue, in PostgreSQL. The lake itself is the database `lake` of a connection, the city's own the database `city`."""
FORMAT = ("parquet_version", 2), ("parquet_compression", "zstd")


@dataclass(frozen=True)
class Place:
    """Where the Parquet lies: a folder, or `s3://bucket/prefix` with its endpoint (`host:port`, empty for Amazon's) and keys. `spill`:
    a folder for what does not fit in memory (empty: nothing spills)."""

    path: str
    endpoint: str = ""
    key: str = ""
    secret: str = ""
    region: str = "us-east-1"
    secure: bool = True
    spill: str = ""

    @property
    def is_remote(self) -> bool:
        return self.path.startswith("s3://")

    @staticmethod
    def of(env: Mapping[str, str], run_dir: Path) -> Place:
        """From `MADANG_LAKE` (default: the instance's folder) and the usual `AWS_` names. Raises BadRequest."""
        path = env.get("MADANG_LAKE", "") or str(run_dir / "lake")
        if not path.startswith("s3://"):
            if "://" in path:
                raise BadRequest("MADANG_LAKE: a folder, or s3://bucket/prefix")
            return Place(path, spill=str(run_dir / "lake-spill"))
        endpoint = urlsplit(env.get("AWS_ENDPOINT_URL", ""))
        return Place(
            path.rstrip("/") + "/",
            endpoint.netloc,
            env.get("AWS_ACCESS_KEY_ID", ""),
            env.get("AWS_SECRET_ACCESS_KEY", ""),
            env.get("AWS_REGION", "us-east-1"),
            endpoint.scheme != "http",
            str(run_dir / "lake-spill"),
        )


def extension(name: str) -> Path:
    """The file of an extension's wheel for this DuckDB. Raises Unavailable."""
    try:
        module = importlib.import_module(f"duckdb_extension_{name}")
    except ImportError:
        raise Unavailable(f"duckdb-extension-{name.replace('_', '-')} is not installed") from None
    folder = Path(os.path.dirname(module.__file__ or "")) / "extensions" / f"v{duckdb.__version__}"
    for file in folder.glob("*.duckdb_extension"):
        return file
    raise Unavailable(f"the {name} extension is not for DuckDB {duckdb.__version__}")


def open_lake(dsn: str, place: Place, memory_mb: int = 512, threads: int = 1) -> duckdb.DuckDBPyConnection:
    """A connection with `lake` and `city` attached, in UTC; the lake is made if it is not there. Raises Unavailable."""
    connection = duckdb.connect(
        config={
            "memory_limit": f"{memory_mb}MB",
            "threads": threads,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "temp_directory": place.spill,
        }
    )
    try:
        for name in ("ducklake", "postgres_scanner", *(["httpfs"] if place.is_remote else [])):
            connection.load_extension(str(extension(name)))
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(_secret("city", "postgres", _postgres(dsn)))
        if place.is_remote:
            connection.execute(store_secret(place))
        else:
            Path(place.path).mkdir(parents=True, exist_ok=True)
        connection.execute("ATTACH '' AS city (TYPE postgres, SECRET city)")
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS city.{SCHEMA}")
        options = f"DATA_PATH {_quoted(place.path)}, METADATA_SCHEMA '{SCHEMA}', META_SECRET 'city'"
        connection.execute(f"ATTACH 'ducklake:postgres:' AS lake ({options})")
    except duckdb.Error as error:
        connection.close()
        raise Unavailable(f"the lake cannot be opened: {_first_line(error)}") from None
    return connection


def set_format(connection: duckdb.DuckDBPyConnection) -> None:
    """How files are written; kept in the catalogue."""
    for name, value in FORMAT:
        connection.execute(f"CALL lake.set_option('{name}', {_quoted(str(value))})")
    # Observations lie in files, however few: whoever is asked about them has no catalogue. The other tables are a row or so.
    connection.execute("CALL lake.set_option('data_inlining_row_limit', 0, table_name => 'observation')")
    connection.execute("CALL lake.set_option('data_inlining_row_limit', 100, table_name => 'rolled')")


def store_secret(place: Place) -> str:
    """What lets a connection read a remote place."""
    return _secret("store", "s3", _s3(place))


def _secret(name: str, kind: str, members: Mapping[str, str]) -> str:
    told = ", ".join(f"{key} {_quoted(value)}" for key, value in members.items())
    return f"CREATE SECRET {name} (TYPE {kind}, {told})"


def _postgres(dsn: str) -> dict[str, str]:
    """Of a `postgresql://` address; a host in the query, as that of a unix socket, counts."""
    parts, asked = urlsplit(dsn), parse_qs(urlsplit(dsn).query)
    port = asked.get("port", [str(parts.port or 5432)])[0]
    return {
        "HOST": asked.get("host", [parts.hostname or ""])[0],
        "PORT": port,
        "DATABASE": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
    }


def _s3(place: Place) -> dict[str, str]:
    told = {"KEY_ID": place.key, "SECRET": place.secret, "REGION": place.region, "URL_STYLE": "path"}
    told |= {"ENDPOINT": place.endpoint} if place.endpoint else {}
    return told | {"USE_SSL": "true" if place.secure else "false"}


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]
