"""From changes as history has them to observations: one row for each instance of an attribute in a change. SQL texts, no I/O.

Columns of `observation`: `seq` and `changed_at` of the change (times are UTC without a zone); `entity_id`, `type` (the leading one),
`types` (all, where there are more); `op` (c, u, d: what happened to the entity; t: told of its past only); `attribute`, `kind`,
`dataset_id`, `observed_at`, `unit`, `created_at`; `value` where it is a number, `text` else: a string bare, what a relationship points
to, other values as JSON. `whole` is the instance as it was, where the other columns do not say all of it. A deleted entity has one
row without an attribute, an attribute that was taken away one without a kind.
"""

from __future__ import annotations

COLUMNS = (
    ("seq", "BIGINT"),
    ("changed_at", "TIMESTAMP"),
    ("entity_id", "VARCHAR"),
    ("type", "VARCHAR"),
    ("types", "VARCHAR"),
    ("op", "VARCHAR"),
    ("attribute", "VARCHAR"),
    ("kind", "VARCHAR"),
    ("dataset_id", "VARCHAR"),
    ("observed_at", "TIMESTAMP"),
    ("value", "DOUBLE"),
    ("text", "VARCHAR"),
    ("unit", "VARCHAR"),
    ("created_at", "TIMESTAMP"),
    ("whole", "VARCHAR"),
)
NAMES = ", ".join(f'"{name}"' for name, _ in COLUMNS)
SORTED = "type ASC, attribute ASC, entity_id ASC, changed_at ASC"
_SOURCE = """SELECT seq, (at AT TIME ZONE ''UTC'') AS changed_at, entity_id, types, op::text AS op, change::text AS change
 FROM history WHERE {condition}"""
# Members that have a column, with how many characters each costs in the JSON beside its value: a comma, a colon, and quotes.
_MEMBERS = {
    "type": 10,
    "value": 9,
    "object": 12,
    "unitCode": 14,
    "observedAt": 16,
    "datasetId": 15,
    "createdAt": 15,
    "modifiedAt": 16,
}
_STRUCT = "{" + ",".join(f'"{name}":"{"JSON" if name == "value" else "VARCHAR"}"' for name in _MEMBERS) + "}"
_LENGTH = " + ".join(
    f"coalesce({cost} + strlen(s.{name}{'::VARCHAR' if name == 'value' else ''}), 0)" for name, cost in _MEMBERS.items()
)
_IS_NUMBER = "s.value::VARCHAR >= '-' AND s.value::VARCHAR < ':'"
# A length that is not that of the known members alone tells of others. Nor do the columns say whether `true` was a text, a number of
# more digits than a double has, an escape, or a time that is not to the millisecond.
_IS_SAID = f"""strlen(raw) = 1 + {_LENGTH} AND s.modifiedAt::TIMESTAMP = date_trunc('millisecond', changed_at)
 AND coalesce(starts_with(s.value::VARCHAR, '"') OR ({_IS_NUMBER} AND strlen(s.value::VARCHAR) < 17), true) AND NOT contains(raw, chr(92))
 AND coalesce(strlen(s.observedAt) = 24, true) AND coalesce(strlen(s.createdAt) = 24, true) AND strlen(s.modifiedAt) = 24"""
# A deletion changes no attribute: it becomes one without a name, so that the rows are read in one go.
_ROWS = f"""
WITH entries AS (
  SELECT * EXCLUDE (change), unnest(map_entries(from_json(if(op = 'd', '{{"":null}}', change), '"MAP(VARCHAR,JSON)"'))) AS entry
  FROM (%SOURCE%)
),
instances AS (
  SELECT * EXCLUDE (entry), nullif(entry.key, '') AS attribute, unnest(CASE WHEN starts_with(entry.value::VARCHAR, '[')
    THEN from_json(entry.value, '["JSON"]') ELSE [entry.value] END) AS instance FROM entries
),
read AS (
  SELECT * EXCLUDE (instance), instance::VARCHAR AS raw,
    CASE WHEN starts_with(instance::VARCHAR, chr(123)) THEN from_json(instance, '{_STRUCT}') END AS s FROM instances
)
SELECT seq, changed_at, entity_id, split_part(types, chr(31), 1), CASE WHEN contains(types, chr(31)) THEN types END, op, attribute,
  s.type, s.datasetId, try_cast(s.observedAt AS TIMESTAMP),
  CASE WHEN {_IS_NUMBER} THEN try_cast(s.value::VARCHAR AS DOUBLE) END,
  coalesce(s.object, CASE WHEN starts_with(s.value::VARCHAR, '"') THEN s.value->>'$' WHEN NOT ({_IS_NUMBER}) THEN s.value::VARCHAR END),
  s.unitCode, try_cast(s.createdAt AS TIMESTAMP), CASE WHEN ({_IS_SAID}) IS NOT TRUE AND attribute IS NOT NULL THEN raw END
FROM read
"""


def observations(condition: str) -> str:
    """A query of the observations of the history rows that satisfy a PostgreSQL condition; whoever gives one quotes it."""
    return _ROWS.replace("%SOURCE%", f"FROM postgres_query('city', '{_SOURCE.format(condition=condition)}')")


def tables() -> list[str]:
    """What the lake begins with. `rolled` has one row: the history up to `upto` is in the lake."""
    columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS)
    return [
        f"CREATE TABLE IF NOT EXISTS lake.observation ({columns})",
        "CREATE TABLE IF NOT EXISTS lake.rolled (upto BIGINT)",
    ]
