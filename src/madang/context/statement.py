"""How a batch is written: one statement, one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from madang.base.clock import from_iso
from madang.context.area import band_of
from madang.context.row import COLUMNS
from madang.context.work import Deed, Work
from madang.model.entity import Entity
from madang.model.geometry import Box, bounds
from madang.model.render import geometry_of

READ = f"SELECT {COLUMNS} FROM entity WHERE id = ANY($1)"  # noqa: S608 - constant text
# A row a deed; a shorter array stands for NULLs at its end, so what a batch does not have costs nothing. A row's `change` is
# its body where it has none of its own, and a box is a point where it has one corner. Ids, types and ops come as one text
# each, which costs the driver a look where an array costs it one an element: none of them can hold a separator.
WRITE = """
WITH reserved AS MATERIALIZED (
  SELECT setval('history_seq_seq', nextval('history_seq_seq') + length($5::text)) - length($5::text) AS s,
    string_to_array($3::text, E'\\x1e') AS ids, string_to_array($4::text, E'\\x1e') AS kinds
),
gone AS (DELETE FROM entity WHERE id = ANY($2::text[])),
kept AS (
  INSERT INTO entity (id, type, types, body, band, west, place, seq, created_at, modified_at)
  SELECT id, split_part(types, E'\\x1f', 1), string_to_array(types, E'\\x1f'), body::jsonb, band, west,
         CASE WHEN west IS NOT NULL THEN box(point(west, south), point(coalesce(east, west), coalesce(north, south))) END,
         s + n, coalesce(made, $1), $1
  FROM reserved, unnest(ids, kinds, $6::json[], $9::int[], $10::float8[], $11::float8[], $12::float8[], $13::float8[],
              $14::timestamptz[]) WITH ORDINALITY AS t(id, types, body, band, west, south, east, north, made, n)
  WHERE body IS NOT NULL
  ON CONFLICT (id) DO UPDATE SET type = excluded.type, types = excluded.types, body = excluded.body,
    band = excluded.band, west = excluded.west, place = excluded.place, seq = excluded.seq, modified_at = excluded.modified_at,
    created_at = CASE WHEN cardinality($14::timestamptz[]) > 0 THEN excluded.created_at ELSE entity.created_at END
),
told AS (
  INSERT INTO history (seq, at, entity_id, types, op, change, before)
  SELECT s + n, $1, id, types, op::"char", coalesce(change, body), before
  FROM reserved, unnest(ids, kinds, string_to_array($5::text, NULL), $6::json[], $7::json[], $8::json[])
    WITH ORDINALITY AS h(id, types, op, body, change, before, n)
)
SELECT s + 1, pg_notify('madang_changes', '') FROM reserved
"""
# Before the write and apart from it: a row too much costs a look, one too few would keep an entity for ever.
ENDS = """
INSERT INTO transient (entity_id, at) SELECT * FROM unnest($1::text[], $2::timestamptz[])
ON CONFLICT (entity_id) DO UPDATE SET at = excluded.at
"""


def arguments(work: Work, moment: datetime) -> list[Any]:
    """The arguments of WRITE for work that has deeds."""
    deeds = work.deeds
    return [
        moment,
        work.gone(),
        "\x1e".join([deed.entity_id for deed in deeds]),
        "\x1e".join(["\x1f".join(deed.types) for deed in deeds]),
        "".join([deed.op for deed in deeds]),
        [deed.body for deed in deeds],
        _short([deed.change for deed in deeds]),
        _short([deed.before for deed in deeds]),
        *_places(deeds),
        _made(work) if any(slot.remade for slot in work.slots.values()) else [],
    ]


def _short(values: list[Any]) -> list[Any]:
    """The values, or none where all are NULL."""
    return values if any(value is not None for value in values) else []


def _places(deeds: list[Deed]) -> list[list[Any]]:
    """Band, west, south, east, north of each deed's place (see context.area); of points without the last two."""
    columns: list[list[Any]] = [[] for _ in range(5)]
    bands, west, south, east, north = columns
    extended = False
    for deed in deeds:
        box = None if deed.entity is None else _box(deed.entity)
        corners = box or (None, None, None, None)
        bands.append(band_of(box) if box is not None else None)
        extended = extended or corners[:2] != corners[2:]
        west.append(corners[0])
        south.append(corners[1])
        east.append(corners[2])
        north.append(corners[3])
    return columns if extended else [_short(bands), _short(west), _short(south), [], []]


def _box(entity: Entity) -> Box | None:
    """Where it lies; nearly everything is one point."""
    place = entity.body.get("location")
    value = place.get("value") if type(place) is dict and place["type"] == "GeoProperty" else None
    if type(value) is dict and value.get("type") == "Point":
        east, north = value["coordinates"][:2]
        return east, north, east, north
    return bounds(geometry_of(entity))


def _made(work: Work) -> list[datetime | None]:
    """When each entity was made: only where one was deleted and made anew in the same batch, since its row stays."""
    return [from_iso(work.slots[deed.entity_id].created) if deed.body is not None else None for deed in work.deeds]
