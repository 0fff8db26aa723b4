"""The catalogue as DCAT-AP 3.0 (SEMICeu): JSON-LD by hand, Turtle and RDF/XML by rdflib. Distributions carry SPDX checksums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from madang.base.clock import to_iso
from madang.base.errors import NotFound
from madang.lake.datasets.dataset import LICENCES, Dataset, spoken
from madang.lake.publishing.publication import File
from madang.people.http import Response
from madang.people.portal.shown import FORMS

Json = dict[str, Any]
_EU = "http://publications.europa.eu/resource/authority"
_CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/", "foaf": "http://xmlns.com/foaf/0.1/",
    "vcard": "http://www.w3.org/2006/vcard/ns#", "spdx": "http://spdx.org/rdf/terms#", "xsd": "http://www.w3.org/2001/XMLSchema#",
    "hydra": "http://www.w3.org/ns/hydra/core#", "locn": "http://www.w3.org/ns/locn#", "adms": "http://www.w3.org/ns/adms#",
}  # fmt: skip
_FILE_TYPES = {"csv": "CSV", "json": "JSON", "geojson": "GEOJSON", "parquet": "PARQUET"}
_MEDIA = {
    "jsonld": ("application/ld+json", ""),
    "ttl": ("text/turtle", "turtle"),
    "rdf": ("application/rdf+xml", "xml"),
}


def of_dataset(dataset: Dataset, files: Mapping[str, File], address: str, city: Mapping[str, str]) -> Json:
    """A dcat:Dataset. `files`: none where only the data set is told of, as in pages of the catalogue."""
    here = f"{address}/data/sets/{dataset.id}"
    told: Json = {
        "@id": here,
        "@type": "dcat:Dataset",
        "dct:identifier": dataset.id,
        "dct:title": _texts(dataset.told.title) or [{"@value": dataset.id, "@language": "en"}],
        "dct:description": _texts(dataset.told.about) or _texts(dataset.told.title),
        "dct:publisher": _agent(address, city),
        "dcat:theme": [_concept(f"{_EU}/data-theme/{theme}") for theme in dataset.told.themes],
        "dcat:keyword": dataset.told.keywords,
        "dct:accrualPeriodicity": _typed(f"{_EU}/frequency/{dataset.told.rhythm}", "dct:Frequency"),
        "dct:accessRights": _typed(f"{_EU}/access-right/PUBLIC", "dct:RightsStatement"),
        "dct:modified": _time(to_iso(dataset.changed_at)),
        "dcat:version": str(dataset.version),
        "dcat:landingPage": _typed(here, "foaf:Document"),
        "dcat:contactPoint": {
            "@id": f"{here}#contact",
            "@type": ["vcard:Kind", "vcard:Organization"],
            "vcard:fn": dataset.told.owner or spoken(city, "ko"),
            "vcard:hasURL": {"@id": f"{here}#voices"},
        },
        "dcat:distribution": [_distribution(dataset, form, file, address) for form, file in sorted(files.items())],
    }
    if dataset.issued_at is not None:
        told["dct:issued"] = _time(to_iso(dataset.issued_at))
    if dataset.shown is not None and dataset.shown.bbox is not None:
        told["dct:spatial"] = _place(here, *dataset.shown.bbox)
    return {name: value for name, value in told.items() if value not in ([], "")}


def of_catalog(
    datasets: Sequence[Dataset], total: int, page: int, limit: int, address: str, city: Mapping[str, str]
) -> Json:
    """A dcat:Catalog with one page of its data sets. Each has a distribution of each form that it can have."""
    here = f"{address}/open/catalog"
    members = [of_dataset(one, _files_of(one), address, city) for one in datasets]
    catalog: Json = {
        "@id": here,
        "@type": "dcat:Catalog",
        "dct:title": _texts(city),
        "dct:description": _texts(city),
        "dct:publisher": _agent(address, city),
        "dct:license": _typed(LICENCES["cc0-1.0"], "dct:LicenseDocument"),
        "dct:language": [_typed(f"{_EU}/language/{code}", "dct:LinguisticSystem") for code in ("KOR", "ENG")],
        "dcat:themeTaxonomy": {"@id": f"{_EU}/data-theme", "@type": "http://www.w3.org/2004/02/skos/core#ConceptScheme",
            "dct:title": {"@value": "Data theme", "@language": "en"}},
        "foaf:homepage": _typed(f"{address}/data", "foaf:Document"),
        "dcat:dataset": [{"@id": one["@id"]} for one in members],
    }  # fmt: skip
    paged: Json = {"@id": f"{here}?page={page}", "@type": "hydra:PartialCollectionView", "hydra:totalItems": total}
    if (page + 1) * limit < total:
        paged["hydra:next"] = {"@id": f"{here}?page={page + 1}"}
    return graph([catalog, paged, *members])


def graph(nodes: list[Json]) -> Json:
    return {"@context": _CONTEXT, "@graph": nodes}


def answer(told: Json, form: str) -> Response:
    """Raises NotFound for a form that there is not."""
    if form not in _MEDIA:
        raise NotFound(f"there is {', '.join(_MEDIA)}")
    media, name = _MEDIA[form]
    body = msgspec.json.encode(told)
    if name:
        from rdflib import Graph  # megabytes that only who asks for them pays

        body = Graph().parse(data=body, format="json-ld").serialize(format=name, encoding="utf-8")
    headers = [(b"content-type", f"{media}; charset=utf-8".encode()), (b"access-control-allow-origin", b"*")]
    return Response(200, body, headers)


def _distribution(dataset: Dataset, form: str, file: File, address: str) -> Json:
    download = f"{address}/open/datasets/{dataset.id}/data.{form}"
    told: Json = {
        "@id": download,
        "@type": "dcat:Distribution",
        "dct:title": f"{dataset.title('en')} ({_FILE_TYPES[form]})",
        "dcat:accessURL": {"@id": f"{address}/data/sets/{dataset.id}"},
        "dcat:downloadURL": {"@id": download},
        "dcat:mediaType": _typed(f"https://www.iana.org/assignments/media-types/{FORMS[form]}", "dct:MediaType"),
        "dct:format": _typed(f"{_EU}/file-type/{_FILE_TYPES[form]}", "dct:MediaTypeOrExtent"),
        "dct:license": _typed(LICENCES.get(dataset.told.licence, ""), "dct:LicenseDocument"),
    }
    if file.size_bytes:
        told["dcat:byteSize"] = {"@type": "xsd:nonNegativeInteger", "@value": str(file.size_bytes)}
        told["spdx:checksum"] = {
            "@id": f"{download}#checksum",
            "@type": "spdx:Checksum",
            "spdx:algorithm": _typed("http://spdx.org/rdf/terms#checksumAlgorithm_sha256", "spdx:ChecksumAlgorithm"),
            "spdx:checksumValue": {"@type": "xsd:hexBinary", "@value": file.sha256},
        }
    return told


def _files_of(dataset: Dataset) -> dict[str, File]:
    """The forms that its version has, by what is shown of it."""
    third = "geojson" if dataset.shown is not None and dataset.shown.format == "geoparquet" else "json"
    return {form: File(0, "") for form in ("csv", third, "parquet")}


def _place(here: str, west: float, south: float, east: float, north: float) -> Json:
    ring = ", ".join(f"{x} {y}" for x, y in [(west, south), (east, south), (east, north), (west, north), (west, south)])
    box = {"@type": "http://www.opengis.net/ont/geosparql#wktLiteral", "@value": f"POLYGON(({ring}))"}
    return {"@id": f"{here}#place", "@type": "dct:Location", "dcat:bbox": box}


def _agent(address: str, city: Mapping[str, str]) -> Json:
    return {"@id": f"{address}/#city", "@type": "foaf:Agent", "foaf:name": _texts(city)}


def _texts(texts: Mapping[str, str]) -> list[Json]:
    return [{"@value": text, "@language": language} for language, text in sorted(texts.items()) if text]


def _typed(address: str, kind: str) -> Json:
    return {"@id": address, "@type": kind}


def _concept(address: str) -> Json:
    return {
        "@id": address,
        "@type": "http://www.w3.org/2004/02/skos/core#Concept",
        "http://www.w3.org/2004/02/skos/core#prefLabel": {"@value": address.rpartition("/")[2], "@language": "en"},
    }


def _time(text: str) -> Json:
    return {"@type": "xsd:dateTime", "@value": text}
