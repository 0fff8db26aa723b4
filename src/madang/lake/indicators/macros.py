"""What formulas may say beside SQL: entities of now, lengths and areas on the ground, and figures of the city. SQL texts, no I/O.

Distances are those of a plane that is true at the middle latitude (equirectangular projection): within a city off by less than 0.1 %.
"""

from __future__ import annotations

import duckdb

_METRES_A_DEGREE = 111_320.0
_LATEST = "SELECT value FROM city.public.indicator_value WHERE code = '{}' ORDER BY year DESC, told_at DESC LIMIT 1"
MACROS = (
    "entities(kind) AS TABLE SELECT id, body::JSON AS body FROM city.public.entity WHERE type = kind",
    """called(body) AS coalesce(body->>'$.name.value', body->>'$.name.languageMap."@none"')""",
    f"""metres(a, b) AS {_METRES_A_DEGREE} * sqrt(pow(a[2] - b[2], 2)
 + pow((a[1] - b[1]) * cos(radians((a[2] + b[2]) / 2)), 2))""",
    # What a macro is given stands in it as text: within a lambda it would be read anew for each element.
    """line_m(coordinates) AS coalesce(list_sum(list_transform(list_zip((coordinates::DOUBLE[][])[:-2], (coordinates::DOUBLE[][])[2:]),
 lambda step: metres(step[1], step[2]))), 0)""",
    """outline(shape) AS CASE shape->>'$.type' WHEN 'Point' THEN [(shape->'$.coordinates')::DOUBLE[]]
 WHEN 'Polygon' THEN (shape->'$.coordinates[0]')::DOUBLE[][] WHEN 'MultiPolygon' THEN (shape->'$.coordinates[0][0]')::DOUBLE[][] END""",
    # The shoelace formula, around the first corner so that no digit is lost.
    f"""area_m2(ring) AS abs(coalesce(list_sum(list_transform(range(1, len(ring)), lambda i:
 (ring[i][1] - ring[1][1]) * (ring[i + 1][2] - ring[1][2]) - (ring[i + 1][1] - ring[1][1]) * (ring[i][2] - ring[1][2]))), 0))
 / 2 * {_METRES_A_DEGREE}::DOUBLE * {_METRES_A_DEGREE}::DOUBLE * cos(radians(ring[1][2]))""",
    f"population() AS ({_LATEST.format('city:population')})",
    f"area_km2() AS ({_LATEST.format('city:area')})",
)


def add_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """To a connection that has the lake; gone with it."""
    for one in MACROS:
        connection.execute(f"CREATE OR REPLACE TEMP MACRO {one}")
