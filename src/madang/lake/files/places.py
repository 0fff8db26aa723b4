"""Where the rows of a table lie: which columns hold places, in which reference system, and whether they are what their names say."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from madang.base.errors import BadRequest
from madang.lake.files.references import (
    ENOUGH,
    TWINS,
    WGS84,
    Floats,
    Guess,
    area_of,
    guesses,
    share_in,
    transformed,
    transformer,
)
from madang.lake.files.report import Box, Finding, Hints, Severity
from madang.lake.files.table import Table

# A word of these within a header, in the order in which they are believed.
_ACROSS = re.compile(
    r"경도|longitude|(?<![a-z])(?:lon|lng)(?![a-z])|x\s?좌표|좌표\s?x|\(x\)|(?<![a-z])(?:x|easting)(?![a-z])",
    re.IGNORECASE,
)
_UPWARD = re.compile(
    r"위도|latitude|(?<![a-z])lat(?![a-z])|y\s?좌표|좌표\s?y|\(y\)|(?<![a-z])(?:y|northing)(?![a-z])", re.IGNORECASE
)


@dataclass(frozen=True)
class Pair:
    """The columns that say where: across (longitude or easting) and upward (latitude or northing)."""

    across: str
    upward: str


def placed(table: Table, hints: Hints, bbox: Box | None) -> None:
    """Gives the table its geometry in WGS 84 (longitude first) as WKB, and finds what is wrong with it. Raises BadRequest for hints
    that cannot be followed."""
    if table.geometry:
        _reproject(table, hints, bbox)
        return
    pair = pair_of(table.rows, hints)
    if pair is not None:
        _point(table, pair, hints, bbox)


def pair_of(rows: pa.Table, hints: Hints) -> Pair | None:
    """By what somebody said, else by the names of columns of numbers. Raises BadRequest."""
    if hints.longitude or hints.latitude:
        if not {hints.longitude, hints.latitude} <= set(rows.column_names):
            raise BadRequest("there are no such columns of places", reason="hints")
        return Pair(hints.longitude, hints.latitude)
    numbers = [one.name for one in rows.schema if pa.types.is_floating(one.type) or pa.types.is_integer(one.type)]
    across = next((name for name in numbers if _ACROSS.search(name)), None)
    upward = next((name for name in numbers if _UPWARD.search(name) and name != across), None)
    return Pair(across, upward) if across and upward else None


def _point(table: Table, pair: Pair, hints: Hints, bbox: Box | None) -> None:
    x, y = (_floats(table.rows, name) for name in (pair.across, pair.upward))
    there = ~(np.isnan(x) | np.isnan(y)) & ((x != 0) | (y != 0))
    zeros = int(((x == 0) & (y == 0)).sum())
    if not there.any():
        table.findings.append(Finding("places_absent", "warn", f"{pair.across}, {pair.upward}", len(x)))
        return
    crs, findings = judged(pair, x[there], y[there], hints.crs or table.crs, bool(hints.longitude), bbox)
    table.findings += findings + (
        [Finding("places_zero", "warn", f"{pair.across}, {pair.upward}", zeros)] if zeros else []
    )
    table.crs = crs
    if not crs:
        return
    longitude, latitude = transformed(x[there], y[there], crs)
    geometry = np.full(len(x), None, dtype=object)
    is_place = np.isfinite(longitude) & np.isfinite(latitude)
    shapes = np.where(is_place, shapely.points(np.where(is_place, longitude, 0), np.where(is_place, latitude, 0)), None)
    geometry[there] = shapely.to_wkb(shapes)
    name = "geometry" if "geometry" not in table.rows.column_names else "geometry_of_columns"
    table.rows = table.rows.append_column(name, pa.array(geometry, pa.binary()))
    table.geometry = name


def judged(
    pair: Pair, x: Floats, y: Floats, told_crs: str, is_told: bool, bbox: Box | None
) -> tuple[str, list[Finding]]:
    """The reference system (empty: nobody can say), and what is wrong. `is_told`: somebody has said which column is which. Pure."""
    found = [one for one in guesses(x, y, bbox) if not (is_told and one.is_swapped)]
    best, named = found[0], f"{pair.across}, {pair.upward}"
    if best.share < ENOUGH and not told_crs:
        return _far(best, x, y, named, bbox)
    straight = max((one.share for one in found if not one.is_swapped), default=0.0)
    if best.is_swapped and straight < 1 - ENOUGH and not told_crs:
        return "", [_swapped(pair, x, y, best)]  # no place is better than a wrong one
    crs = told_crs or best.crs
    findings = [] if told_crs or crs not in TWINS else [_twins(crs, named, len(x), x, y)]
    outside = len(x) - round(share_in(*transformed(x, y, crs), area_of(bbox)) * len(x))
    if outside and (bbox is not None or told_crs):
        findings.append(Finding("outside_city", "warn", named, outside, {"crs": crs}))
    return crs, findings


def _swapped(pair: Pair, x: Floats, y: Floats, guess: Guess) -> Finding:
    """With what the columns hold, so that whoever reads it can see for themselves."""
    evidence = {"across": pair.across, "across_range": _range(x), "upward": pair.upward, "upward_range": _range(y)}
    return Finding(
        "swapped_coordinates",
        "stop",
        f"{pair.across}, {pair.upward}",
        round(guess.share * len(x)),
        evidence | {"crs": guess.crs},
    )


def _far(best: Guess, x: Floats, y: Floats, named: str, bbox: Box | None) -> tuple[str, list[Finding]]:
    """Nothing makes them lie in the city: degrees that exist are data of elsewhere; metres nobody can place."""
    told = {"across_range": _range(x), "upward_range": _range(y), "share": round(best.share, 4)}
    if best.crs != WGS84:
        return "", [Finding("crs_unknown", "stop", named, len(x), told)]
    possible = share_in(x, y, (-180.0, -90.0, 180.0, 90.0))
    if possible < 1:
        return "", [Finding("places_impossible", "stop", named, round((1 - possible) * len(x)), told)]
    severity: Severity = "warn" if bbox is None else "stop"
    return WGS84, [Finding("outside_city", severity, named, round((1 - best.share) * len(x)), told | {"crs": WGS84})]


def _twins(crs: str, named: str, rows: int, x: Floats, y: Floats) -> Finding:
    one, other = (transformed(x[:1], y[:1], each) for each in (crs, TWINS[crs]))
    metres = float(np.hypot((one[0][0] - other[0][0]) * 88_800, (one[1][0] - other[1][0]) * 111_000))
    return Finding("crs_ambiguous", "stop", named, rows, {"either": crs, "or": TWINS[crs], "metres": round(metres)})


def _range(values: Floats) -> list[float]:
    return [round(float(values.min()), 6), round(float(values.max()), 6)]


def _floats(rows: pa.Table, name: str) -> Floats:
    found: Floats = pc.cast(rows.column(name), pa.float64()).to_numpy(zero_copy_only=False)
    return found


def _reproject(table: Table, hints: Hints, bbox: Box | None) -> None:
    shapes = shapely.from_wkb(table.rows.column(table.geometry).to_numpy(zero_copy_only=False), on_invalid="ignore")
    middle = shapely.centroid(shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))])
    if not len(middle):
        table.findings.append(Finding("places_absent", "warn", table.geometry, len(shapes)))
        return
    pair, x, y = Pair("x", "y"), shapely.get_x(middle), shapely.get_y(middle)
    crs, findings = judged(pair, x, y, hints.crs or table.crs, True, bbox)
    table.findings, table.crs = table.findings + findings, crs
    invalid = int((~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)).sum())
    if invalid:
        table.findings.append(Finding("shapes_invalid", "warn", table.geometry, invalid))
    change = transformer(crs) if crs else None
    if change is not None:
        shapes = shapely.transform(shapes, change.transform, interleaved=False)
    place = table.rows.column_names.index(table.geometry)
    table.rows = table.rows.set_column(place, table.geometry, pa.array(shapely.to_wkb(shapes), pa.binary()))
