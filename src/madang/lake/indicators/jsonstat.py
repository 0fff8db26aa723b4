"""A set of indicators as JSON-stat 2.0 (https://json-stat.org/full/): indicators by year; what is missing is null. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from madang.base.clock import to_iso
from madang.lake.indicators.definition import Definitions
from madang.lake.indicators.values import Value


def told(definitions: Definitions, values: Sequence[Value], city: str, language: str, now: datetime) -> dict[str, Any]:
    """`status` says how sure each is; `city` is its name."""
    codes = [one.code for one in definitions.indicator]
    years = sorted({one.year for one in values}) or [now.year]
    by_cell = {(one.code, one.year): one for one in values}
    cells = [by_cell.get((code, year)) for code in codes for year in years]
    labels = {one.code: one.name["ko" if language == "ko" else "en"] for one in definitions.indicator}
    units = {one.code: {"label": one.unit} for one in definitions.indicator}
    return {
        "version": "2.0",
        "class": "dataset",
        "label": f"{city}: {definitions.set}",
        "source": city,
        "updated": to_iso(now),
        "id": ["indicator", "year"],
        "size": [len(codes), len(years)],
        "role": {"metric": ["indicator"], "time": ["year"]},
        "dimension": {
            "indicator": {"category": {"index": codes, "label": labels, "unit": units}},
            "year": {"category": {"index": [str(year) for year in years]}},
        },
        "value": [None if cell is None else cell.value for cell in cells],
        "status": {str(place): cell.confidence for place, cell in enumerate(cells) if cell is not None},
    }
