"""A version in the forms in which it is given out: Parquet (GeoParquet 1.1 where it has places), CSV, and JSON or GeoJSON.

What was checked is what is given: these files are written before the checks, which read the Parquet, and never anew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from madang.lake.datasets.loading import table_of
from madang.lake.publishing.publication import File
from madang.lake.sql.filtering import quoted, quoted_name

GEOMETRY = "geometry"
_BATCH = 50_000


def folder_of(published: Path, dataset: str, version: int) -> Path:
    return published / dataset / str(version)


def raw_of(folder: Path) -> Path:
    """Where what is to be published lies as Parquet, before it has its forms."""
    return folder / "raw.parquet"


def write_rows(connection: duckdb.DuckDBPyConnection, dataset: str, columns: Sequence[str], raw: Path) -> None:
    """All rows of some columns. Raises duckdb.Error."""
    sql = f"SELECT {', '.join(map(quoted_name, columns))} FROM {table_of(dataset)}"
    connection.execute(f"COPY ({sql}) TO {quoted(str(raw))} (FORMAT parquet, COMPRESSION zstd)")


def export(connection: duckdb.DuckDBPyConnection, columns: Sequence[str], folder: Path) -> dict[str, File]:
    """The files by form, of the raw one that lies there. Raises duckdb.Error."""
    raw = raw_of(folder)
    if GEOMETRY in columns:
        _geoparquet(raw, folder / "data.parquet")
        _geojson(raw, folder / "data.geojson")
        _csv_of_places(raw, folder / "data.csv")
        raw.unlink()
    else:
        raw.rename(folder / "data.parquet")
        source = quoted(str(folder / "data.parquet"))
        connection.execute(
            f"COPY (FROM read_parquet({source})) TO {quoted(str(folder / 'data.csv'))} (FORMAT csv, HEADER)"
        )
        connection.execute(
            f"COPY (FROM read_parquet({source})) TO {quoted(str(folder / 'data.json'))} (FORMAT json, ARRAY)"
        )
    return {path.suffix[1:]: _file(path) for path in sorted(folder.iterdir())}


def _geoparquet(raw: Path, out: Path) -> None:
    """With a covering `bbox`, by which a reader leaves out what lies elsewhere (GeoParquet 1.1, 'bbox covering encoding')."""
    source = pq.ParquetFile(raw)
    schema = source.schema_arrow.remove_metadata()
    ends = ("xmin", "ymin", "xmax", "ymax")
    schema = schema.append(pa.field("bbox", pa.struct([(end, pa.float64()) for end in ends])))
    kinds: set[str] = set()
    with pq.ParquetWriter(out, schema.with_metadata({}), compression="zstd") as writer:
        for batch in source.iter_batches(_BATCH):
            shapes = _shapes(batch)
            kinds |= {str(shapely.GeometryType(int(one)).name) for one in set(shapely.get_type_id(shapes)) - {-1}}
            bounds = shapely.bounds(shapes)
            box = pa.StructArray.from_arrays(
                [pa.array(bounds[:, place], from_pandas=True) for place in range(4)], list(ends)
            )
            writer.write_batch(pa.record_batch([*batch.columns, box], schema=schema.with_metadata({})))
        writer.add_key_value_metadata({"geo": json.dumps(_geo(kinds, ends))})


def _geo(kinds: set[str], ends: Sequence[str]) -> dict[str, object]:
    names = {"POINT": "Point", "LINESTRING": "LineString", "POLYGON": "Polygon", "MULTIPOINT": "MultiPoint"}
    names |= {"MULTILINESTRING": "MultiLineString", "MULTIPOLYGON": "MultiPolygon"}
    column = {
        "encoding": "WKB",
        "geometry_types": sorted(names.get(one, "GeometryCollection") for one in kinds),
        "covering": {"bbox": {end: ["bbox", end] for end in ends}},
    }
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}


def _geojson(raw: Path, out: Path) -> None:
    """RFC 7946."""
    with out.open("w", encoding="utf-8") as file:
        file.write('{"type":"FeatureCollection","features":[\n')
        told = 0
        for batch in pq.ParquetFile(raw).iter_batches(_BATCH):
            shapes = shapely.to_geojson(_shapes(batch))
            for row, shape in zip(batch.drop_columns([GEOMETRY]).to_pylist(), shapes, strict=True):
                properties = json.dumps(row, ensure_ascii=False, default=str)
                lead = ",\n" if told else ""
                file.write(
                    f'{lead}{{"type":"Feature","id":{told},"properties":{properties},"geometry":{shape or "null"}}}'
                )
                told += 1
        file.write("\n]}\n")


def _csv_of_places(raw: Path, out: Path) -> None:
    """Geometry as WKT."""
    import pyarrow.csv as pc

    with out.open("wb") as file:
        for number, batch in enumerate(pq.ParquetFile(raw).iter_batches(_BATCH)):
            place = batch.schema.get_field_index(GEOMETRY)
            texts = pa.array(shapely.to_wkt(_shapes(batch), rounding_precision=7), pa.string(), from_pandas=True)
            table = pa.Table.from_batches([batch]).set_column(place, GEOMETRY, texts)
            pc.write_csv(table, file, pc.WriteOptions(include_header=number == 0))


def _shapes(batch: pa.RecordBatch) -> object:
    return shapely.from_wkb(batch.column(GEOMETRY).to_numpy(zero_copy_only=False))


def _file(path: Path) -> File:
    with path.open("rb") as file:
        return File(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())
