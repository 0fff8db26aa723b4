"""What the lake costs and how quick it is: `madang bench lake [--json] [--only KEY] [--rows 100000000]`.

`roll_rows_per_core_s`: from history (a million changes of one number each) at batches of 200,000, by the CPU of the roller's process
and of the PostgreSQL it reads, together. The others are asked of `--rows` observations of 10,000 sensors, generated into the lake a
day at a time and merged as in a city that lives: `agg_day_s` (count, mean, least and most of each sensor on the last day),
`series_year_ms` (all of one sensor, median of several), `bytes_per_row` (Parquet on disk), `policy_cost_ratio` (CPU of the worker of
`/lake/sql` for that aggregate, asked by somebody who sees neither persons nor one attribute, over that of who sees all).
`portal_ms`: CPU of gateway and PostgreSQL for one page of `/data`, with words, facets and a place in the list by turns, among 10,000
published data sets.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import statistics
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import duckdb
import httpx
import msgspec
import psutil

from bench.broker import running
from madang.cli.instance import Instance
from madang.lake.connection import Place, open_lake
from madang.lake.roller import prepare, roll
from madang.lake.sql.filtering import condition_of
from madang.lake.sql.job import Job, Limits
from madang.lake.sql.worker import answer
from madang.lake.upkeep import merge_all
from madang.model.formula import FALSE, Not, OfType
from madang.model.sight import Sight

KEYS = ("roll_rows_per_core_s", "agg_day_s", "series_year_ms", "bytes_per_row", "policy_cost_ratio", "portal_ms")
REACH = {
    "roll_rows_per_core_s": 500_000,
    "agg_day_s": 1.0,
    "series_year_ms": 100,
    "bytes_per_row": 8,
    "policy_cost_ratio": 1.15,
    "portal_ms": 100,
}
SENSORS, DAYS, CHANGES, BATCH, ROUNDS, DATASETS = 10_000, 365, 1_000_000, 200_000, 5, 10_000
# As the writer writes an update of one attribute. Sensors tell every minute, a little late, with one decimal.
_HISTORY = """
INSERT INTO history (at, entity_id, types, op, change)
SELECT at, 'urn:ngsi-ld:Device:seoul:' || lpad(s::text, 6, '0'), 'Device', 'u', json_build_object('temperature', json_build_object(
  'type', 'Property', 'value', round((20 + 5 * sin(tick / 40.0 + s) + random())::numeric, 1), 'unitCode', 'CEL',
  'observedAt', to_char(seen, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'createdAt', '2026-11-20T11:22:33.123Z',
  'modifiedAt', to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))
FROM (SELECT s, tick, seen, seen + (10 + (random() * 50)::int) * interval '1 ms' AS at FROM (
  SELECT s, tick, timestamp '2026-11-22' + tick * interval '1 minute' + s * interval '6 ms' AS seen
  FROM generate_series(0, $1 - 1) AS tick, generate_series(0, $2 - 1) AS s) AS told) AS heard ORDER BY at
"""
_DAY = """
INSERT INTO lake.observation SELECT $first + row_number() OVER (), heard, entity_id, 'Device', NULL, 'u', 'temperature', 'Property', NULL,
  seen, round(20 + 5 * sin(tick / 40.0 + s) + random(), 1), NULL, 'CEL', TIMESTAMP '2026-01-01', NULL
FROM (SELECT s, tick, seen, seen + to_milliseconds(10 + (random() * 50)::INT) AS heard,
    'urn:ngsi-ld:Device:seoul:' || lpad(s::VARCHAR, 6, '0') AS entity_id
  FROM (SELECT t.range AS tick, s.range AS s, $day + to_seconds(t.range * $step) + to_milliseconds(s.range * 6) AS seen
    FROM range($ticks) AS t, range($sensors) AS s) AS told) ORDER BY heard
"""
_AGGREGATE = """
SELECT entity_id, count(*), avg(value), min(value), max(value) FROM lake.observation
WHERE type = 'Device' AND attribute = 'temperature' AND changed_at >= $1 AND changed_at < $1 + INTERVAL 1 DAY GROUP BY ALL
"""
_SERIES = """
SELECT observed_at, value FROM lake.observation WHERE type = 'Device' AND attribute = 'temperature' AND entity_id = $1 ORDER BY observed_at
"""


_DATASETS = """
INSERT INTO dataset (id, title, about, owner, purpose, licence, rhythm, themes, keywords, model, contract, persons, mode, columns, rows,
  shown, words, state, version, made_by, made_at, issued_at, changed_at, indexed_at)
SELECT 'd' || n, json_build_object('ko', '공공 데이터 ' || n, 'en', 'Public data ' || n), json_build_object('ko', '설명 ' || n),
  '부서' || n % 40, '{}', CASE n % 3 WHEN 0 THEN 'kogl-1' ELSE 'cc-by-4.0' END, 'MONTHLY', ARRAY[(ARRAY['TRAN','ENVI','HEAL'])[1 + n % 3]],
  ARRAY['열쇠' || n % 100], '', '{"columns":[],"fresh_s":0.0}', 'null', 'replace', '[]', n, '{"format":"","rows":1,"columns":[]}',
  to_tsvector('english', '공공 데이터 public data ' || n || ' 부서' || n % 40), 'published', 1, 'bench',
  now(), now(), now() - n * interval '1 minute',
  now()
FROM generate_series(1, $1) AS n
"""
_PAGES = (
    "data",
    "data?words=데이터",
    "data?words=public&theme=TRAN",
    "data?licence=kogl-1&page=40",
    "data?words=부서7",
    "data?page=499",
)


def cpu_s(processes: list[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes]
    return sum(one.user + one.system for one in times)


def servers(instance: Instance) -> list[psutil.Process]:
    root = psutil.Process(instance.supervisor.members["postgres"].state.pid)
    return [root, *root.children(recursive=True)]


async def rolling(instance: Instance, folder: Path) -> dict[str, float]:
    """Autovacuum of what was just inserted is over before it is measured."""
    connection = await asyncpg.connect(instance.settings.database)
    await connection.execute(_HISTORY, CHANGES // SENSORS, SENSORS)
    await connection.execute("VACUUM (ANALYZE) history", timeout=600)
    await connection.close()
    with open_lake(instance.settings.database, Place(str(folder / "rolled")), 2_048) as lake:
        prepare(lake)
        roll(lake, BATCH)
        counted = [psutil.Process(), *servers(instance)]
        before, rows = cpu_s(counted), 0
        while (done := roll(lake, BATCH)) is not None:
            rows += done.rows
        return {"roll_rows_per_core_s": round(rows / (cpu_s(counted) - before))}


def fill(lake: duckdb.DuckDBPyConnection, rows: int) -> None:
    """A year, a day at a time; merged each month and at the end."""
    ticks = max(1, rows // SENSORS // DAYS)
    for day in range(DAYS):
        told = {
            "first": day * ticks * SENSORS,
            "day": _moment(day),
            "step": 86_400 // ticks,
            "ticks": ticks,
            "sensors": SENSORS,
        }
        lake.execute(_DAY, told)
        if day % 30 == 29:
            merge_all(lake)
            print(f"  {day + 1} of {DAYS} days", file=sys.stderr, flush=True)


async def filtered_cost(files: list[str]) -> float:
    """The filtered question over the whole one, in turns."""
    sight = Sight(Not(OfType("Person")), {"owner": FALSE})
    made = await condition_of(sight, _nobody)
    day = f"TIMESTAMP '{_moment(DAYS - 1)}'"
    sql = (
        "SELECT entity_id, count(*), avg(value), min(value), max(value) FROM observation WHERE type = 'Device'"
        f" AND attribute = 'temperature' AND changed_at >= {day} AND changed_at < TIMESTAMP '{_moment(DAYS)}' GROUP BY ALL"
    )
    whole = Job(sql, "true", {}, "csv", Limits(SENSORS, 2_048, 60.0), files[1:], files[0])
    spent = {"true": 0.0, made.sql: 0.0}
    for number in range(ROUNDS + 1):
        for where in spent:
            begin, out = time.process_time(), io.BytesIO()
            answer(msgspec.structs.replace(whole, where=where), out)
            spent[where] += (time.process_time() - begin) if number else 0.0  # the first finds the files' pages
            assert out.getvalue().count(b"\n") == SENSORS + 2, out.getvalue()[:200]
    return round(spent[made.sql] / spent["true"], 3)


async def _nobody(atom: object) -> list[str]:
    return []


def files_of(lake: duckdb.DuckDBPyConnection) -> list[str]:
    return [
        row[0] for row in lake.execute("SELECT data_file FROM ducklake_list_files('lake', 'observation')").fetchall()
    ]


def asking(lake: duckdb.DuckDBPyConnection) -> dict[str, float]:
    begin = time.perf_counter()
    found = lake.execute(_AGGREGATE, [_moment(DAYS - 1)]).fetchall()
    day_s = time.perf_counter() - begin
    assert len(found) == SENSORS, len(found)
    waits = []
    for number in range(0, SENSORS, SENSORS // 15):
        begin = time.perf_counter()
        series = lake.execute(_SERIES, [f"urn:ngsi-ld:Device:seoul:{number:06}"]).fetchall()
        waits.append(time.perf_counter() - begin)
        assert series, number
    size, rows = (
        lake.execute(sql).fetchone()
        for sql in (
            "SELECT sum(data_file_size_bytes) FROM ducklake_list_files('lake', 'observation')",
            "SELECT count(*) FROM lake.observation",
        )
    )
    assert size is not None and rows is not None
    return {
        "agg_day_s": round(day_s, 3),
        "series_year_ms": round(statistics.median(waits) * 1e3, 1),
        "bytes_per_row": round(float(size[0]) / rows[0], 2),
    }


def _moment(day: int) -> datetime:
    return datetime(2026, 1, 1) + timedelta(days=day)


async def portal(instance: Instance) -> dict[str, float]:
    """The first round finds templates and plans; the others count."""
    connection = await asyncpg.connect(instance.settings.database)
    await connection.execute(_DATASETS, DATASETS)
    await connection.execute("VACUUM (ANALYZE) dataset")
    await connection.close()
    gateway = psutil.Process(instance.supervisor.members["gateway"].state.pid)
    async with httpx.AsyncClient(base_url=instance.url, trust_env=False, timeout=30) as http:
        before = 0.0
        for number in range(1 + ROUNDS):
            before = before if number > 1 else cpu_s([gateway, *servers(instance)])
            for path in _PAGES:
                answer = await http.get(path)
                assert answer.status_code == 200 and "/data/sets/d" in answer.text, (path, answer.status_code)
    spent = cpu_s([gateway, *servers(instance)]) - before
    return {"portal_ms": round(spent / (ROUNDS * len(_PAGES)) * 1e3, 1)}


async def measure(keys: list[str], rows: int) -> dict[str, float]:
    out: dict[str, float] = {}
    async with running(None) as instance:
        folder = instance.run_dir
        if KEYS[0] in keys:
            out |= await rolling(instance, folder)
        if "portal_ms" in keys:
            out |= await portal(instance)
    if set(keys) - {KEYS[0], "portal_ms"}:
        async with running(None) as instance:
            place = Place(str(instance.run_dir / "year"), spill=str(instance.run_dir / "spill"))
            with open_lake(instance.settings.database, place, 4_096, threads=2) as lake:
                prepare(lake)
                fill(lake, rows)
                out |= asking(lake) | {"policy_cost_ratio": await filtered_cost(files_of(lake))}
    return {key: out[key] for key in keys}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=KEYS)
    parser.add_argument("--rows", type=int, default=100_000_000)
    told = parser.parse_args()
    found = asyncio.run(measure([told.only] if told.only else list(KEYS), told.rows))
    lines = [f"{name:24} {value:14,.2f}   reach {REACH[name]:,}" for name, value in found.items()]
    print(json.dumps(found) if told.json else "\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
