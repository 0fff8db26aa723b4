"""What search engines read of a page: schema.org/Dataset as JSON-LD. Pure."""

from __future__ import annotations

from typing import Any

from madang.lake.datasets.dataset import LICENCES, Dataset, spoken
from madang.lake.publishing.publication import Publication
from madang.people.portal.shown import FORMS


def dataset_of(dataset: Dataset, version: Publication, address: str, city: dict[str, str]) -> dict[str, Any]:
    """`city`: its name by language."""
    base = f"{address}/open/datasets/{dataset.id}"
    downloads = [
        {
            "@type": "DataDownload",
            "encodingFormat": FORMS[form],
            "contentUrl": f"{base}/data.{form}",
            "contentSize": f"{one.size_bytes} B",
        }
        for form, one in sorted(version.files.items())
    ]
    told: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": f"{address}/data/sets/{dataset.id}",
        "name": dataset.title("ko"),
        "alternateName": dataset.title("en"),
        "description": spoken(dataset.told.about, "ko") or dataset.title("ko"),
        "url": f"{address}/data/sets/{dataset.id}",
        "version": str(dataset.version),
        "license": LICENCES.get(dataset.told.licence, ""),
        "keywords": dataset.told.keywords,
        "isAccessibleForFree": True,
        "dateModified": dataset.changed_at.date().isoformat(),
        "creator": {"@type": "GovernmentOrganization", "name": dataset.told.owner or spoken(city, "ko")},
        "distribution": downloads,
        "includedInDataCatalog": {"@type": "DataCatalog", "name": spoken(city, "ko"), "url": f"{address}/data"},
    }
    if dataset.issued_at is not None:
        told["datePublished"] = dataset.issued_at.date().isoformat()
    if dataset.shown is not None and dataset.shown.bbox is not None:
        west, south, east, north = dataset.shown.bbox
        box = {"@type": "GeoShape", "box": f"{south} {west} {north} {east}"}
        told["spatialCoverage"] = {"@type": "Place", "geo": box}
    return told
