"""An instance of an attribute from the columns of an observation: what the lake must be able to give back."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import duckdb

from madang.model.kinds import VALUE_KEY

ASKED = "SELECT seq, changed_at, entity_id, op, attribute, kind, dataset_id, observed_at, value, text, unit, created_at, whole FROM {table}"


def told(connection: duckdb.DuckDBPyConnection, table: str = "lake.observation") -> list[tuple[Any, ...]]:
    """(seq, entity, op, attribute, instance) of each observation, in order."""
    rows = connection.execute(ASKED.format(table=table) + " ORDER BY seq, attribute, dataset_id").fetchall()
    return [(row[0], row[2], row[3], row[4], instance_of(row)) for row in rows]


def instance_of(row: tuple[Any, ...]) -> Any:
    _, changed, _, _, _, kind, dataset, observed, value, text, unit, created, whole = row
    if whole is not None:
        return json.loads(whole)
    if kind is None:
        return None
    members = {
        "type": kind,
        VALUE_KEY[kind]: text if value is None else value,
        "unitCode": unit,
        "observedAt": None if observed is None else _iso(observed),
        "datasetId": dataset,
        "createdAt": None if created is None else _iso(created),
        "modifiedAt": _iso(changed),
    }
    return {name: inner for name, inner in members.items() if inner is not None}


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds") + "Z"
