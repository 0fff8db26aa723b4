"""Data sets as templates need them, in one language. Pure."""

from __future__ import annotations

from typing import Any

from madang.lake.catalogue.lineage import Edge
from madang.lake.catalogue.searching import Wish
from madang.lake.datasets.dataset import LICENCES, Dataset, spoken
from madang.lake.files.report import Profile
from madang.lake.publishing.publication import Publication
from madang.people.portal.charts import frequent, places, spread
from madang.people.portal.ground import Line

Json = dict[str, Any]
PREVIEW_ROWS = 10
_CHARTS_MAX = 8
FORMS = {
    "csv": "text/csv",
    "json": "application/json",
    "geojson": "application/geo+json",
    "parquet": "application/vnd.apache.parquet",
}

INDICATORS = {
    "json": b"application/json",
    "xml": b"application/vnd.sdmx.genericdata+xml;version=2.1",
    "pdf": b"application/pdf",
}


def card(dataset: Dataset, language: str) -> Json:
    """One in a list."""
    return {
        "id": dataset.id,
        "title": dataset.title(language),
        "about": dataset.about(language)[:300],
        "owner": dataset.told.owner,
        "themes": dataset.told.themes,
        "licence": dataset.told.licence,
        "rows": dataset.rows,
        "changed_at": dataset.changed_at,
    }


def whole(dataset: Dataset, version: Publication, language: str, address: str, streets: list[Line]) -> Json:
    """The page of one; `streets` where it lies."""
    shown = dataset.shown
    assert shown is not None
    names = [one.name for one in shown.columns]
    base = f"{address}/open/datasets/{dataset.id}"
    return card(dataset, language) | {
        "about": dataset.about(language),
        "purpose": spoken(dataset.told.purpose, language),
        "rhythm": dataset.told.rhythm,
        "keywords": dataset.told.keywords,
        "model": dataset.told.model,
        "licence_address": LICENCES.get(dataset.told.licence, ""),
        "version": dataset.version,
        "epsilon": version.figures.epsilon if version.figures else None,
        "rows": shown.rows,
        "issued_at": dataset.issued_at,
        "fresh_s": dataset.told.contract.fresh_s,
        "columns": [profile_shown(one) for one in shown.columns],
        "charts": charts(shown.columns),
        "map": places(shown.points, shown.bbox, streets),
        "bbox": shown.bbox,
        "names": names,
        "sample": [[_cell(cell) for cell in row] for row in shown.sample[:PREVIEW_ROWS]],
        "files": [
            (form, f"{base}/data.{form}", one.size_bytes, one.sha256) for form, one in sorted(version.files.items())
        ],
        "duplicates": shown.duplicates,
        "base": base,
        "address": address,
    }


def profile_shown(one: Profile) -> Json:
    return {
        "name": one.name,
        "type": one.type,
        "nulls": one.nulls,
        "distinct": one.distinct,
        "range": f"{one.least} – {one.most}" if one.least and one.type in ("integer", "number", "date", "time") else "",
    }


def charts(columns: list[Profile]) -> list[Json]:
    """Of columns that say something: numbers that are spread, values that come again."""
    found = []
    for one in columns:
        if one.type in ("integer", "number") and one.bins and one.distinct > 2:
            found.append(
                {"name": one.name, "kind": "spread", "bars": spread(one), "least": one.least, "most": one.most}
            )
        elif one.type in ("text", "boolean") and len(one.top) > 1:
            found.append({"name": one.name, "kind": "frequent", "bars": frequent(one), "top": one.top})
    return found[:_CHARTS_MAX]


def links_of(wish: Wish, facet: str, value: str) -> Json:
    """The query of the page with that value chosen, or given up where it is."""
    facets = dict(wish.facets)
    if facets.get(facet) == value:
        del facets[facet]
    else:
        facets[facet] = value
    return {name: text for name, text in {"words": wish.words, **facets}.items() if text}


def steps(edges: list[Edge]) -> list[Json]:
    """Lineage as rows of a table, with what each name stands for."""
    return [{"input": node_of(one.input), "job": one.job, "output": node_of(one.output), "at": one.at} for one in edges]


def node_of(name: str) -> tuple[str, str]:
    """Kind and the rest."""
    kind, _, rest = name.partition(":")
    return kind, rest


def _cell(value: Any) -> str:
    return "" if value is None else str(value)
