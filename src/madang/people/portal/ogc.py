"""`/ogc`: OGC API Features 1.0 (OGC 17-069r4: Core, GeoJSON) of data sets with places, and OGC API Records 1.0 (OGC 20-004r1: Searchable
Catalog) of all of them, in the collection `catalog`."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import shapely

from madang.base.clock import to_iso
from madang.base.errors import BadRequest, MadangError, NotFound
from madang.base.limits import QUERY_MAX_PAGE
from madang.lake.catalogue.searching import Wish
from madang.lake.datasets.dataset import LICENCES, Dataset
from madang.lake.datasets.house import DataHouse
from madang.lake.files.report import Box
from madang.people.http import Handler, Request, Response, pick_method, problem
from madang.people.portal.browsing import published
from madang.people.portal.rows import Rows
from madang.people.store.doors import whole

Json = dict[str, Any]
CATALOGUE = "catalog"
_GEO = b"application/geo+json"
_CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_CONFORMS = [
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-records-1/1.0/conf/record-core",
    "http://www.opengis.net/spec/ogcapi-records-1/1.0/conf/record-core-query-parameters",
    "http://www.opengis.net/spec/ogcapi-records-1/1.0/conf/json",
]
_PARAMETERS = frozenset({"limit", "offset", "bbox", "bbox-crs", "f", "datetime", "q", "lang"})


class OgcDoor:
    """`address`: the city's; `rows` asks published tables."""

    def __init__(self, house: DataHouse, rows: Rows, address: str, city: dict[str, str]) -> None:
        self._house, self._rows, self._address, self._city = house, rows, f"{address}/ogc", city

    async def handle(self, request: Request) -> Response:
        try:
            answer = await pick_method(request, {"GET": self._handler(request.parts)})(request)
            answer.headers.append((b"access-control-allow-origin", b"*"))
            return answer
        except MadangError as error:
            return problem(error)

    def _handler(self, parts: list[str]) -> Handler:
        match parts:
            case []:
                return self._landing
            case ["conformance"]:
                return self._conformance
            case ["collections"]:
                return self._collections
            case ["collections", _]:
                return self._collection
            case ["collections", _, "items"]:
                return self._records if parts[1] == CATALOGUE else self._items
            case ["collections", _, "items", _]:
                return self._record if parts[1] == CATALOGUE else self._item
        raise NotFound("nothing here")

    async def _landing(self, request: Request) -> Response:
        api = self._address.removesuffix("/ogc") + "/openapi.json"
        links = [
            self._link("", "self"),
            {"rel": "service-desc", "href": api, "type": "application/vnd.oai.openapi+json;version=3.0"},
            self._link("/conformance", "conformance"),
            self._link("/collections", "data"),
            self._link(f"/collections/{CATALOGUE}", "http://www.opengis.net/def/rel/ogc/1.0/ogc-catalog"),
        ]
        return Response.json(
            {"title": self._city.get("ko", ""), "description": self._city.get("en", ""), "links": links}
        )

    async def _conformance(self, request: Request) -> Response:
        return Response.json({"conformsTo": _CONFORMS})

    async def _collections(self, request: Request) -> Response:
        """All that have places, by pages."""
        limit, offset = _limits(request, QUERY_MAX_PAGE)
        world = (-180.0, -90.0, 180.0, 90.0)
        found = await self._house.search.page(Wish(bbox=world), limit, offset, are_facets=False, is_whole=True)
        listed = [self._catalogue()] * (offset == 0) + [self._told(one) for one in found.datasets]
        links = [self._link("/collections", "self")]
        if offset + limit < found.total:
            links.append(self._link(f"/collections?{urlencode({'limit': limit, 'offset': offset + limit})}", "next"))
        return Response.json({"links": links, "collections": listed})

    async def _collection(self, request: Request) -> Response:
        name = request.parts[1]
        return Response.json(self._catalogue() if name == CATALOGUE else self._told(await self._placed(name)))

    async def _items(self, request: Request) -> Response:
        """`limit` (10, at most 10,000), `offset`, `bbox`, and any column with the value it is to have."""
        dataset, query = await self._placed(request.parts[1]), request.query
        limit, offset = _limits(request, 10 * QUERY_MAX_PAGE)
        names = {name for name, _ in self._rows.columns(dataset)}
        unknown = set(query) - names - _PARAMETERS
        if unknown:
            raise BadRequest(f"there is no parameter {sorted(unknown)[0][:80]}")
        equal = {name: value for name, value in query.items() if name in names and name not in _PARAMETERS}
        found = await self._rows.page(dataset, limit, offset, _box(query), equal)
        self._house.uses.saw(dataset.id, request.caller.name, "api")
        features = [feature(row, number) for row, number in zip(found.rows, found.numbers, strict=True)]
        return self._features(request, features, found.total, limit, offset)

    async def _item(self, request: Request) -> Response:
        dataset, text = await self._placed(request.parts[1]), request.parts[3]
        found = await self._rows.page(dataset, 1, number=whole(text, 1, 10**12, "featureId"))
        if not found.rows:
            raise NotFound("there is no such feature")
        here = f"/collections/{dataset.id}"
        links = [self._link(f"{here}/items/{text}", "self", _GEO), self._link(here, "collection")]
        return Response.json(feature(found.rows[0], found.numbers[0]) | {"links": links}, media=_GEO)

    async def _records(self, request: Request) -> Response:
        """`q`: words; `bbox`; `limit`, `offset`."""
        limit, offset = _limits(request, QUERY_MAX_PAGE)
        wish = Wish(request.query.get("q", "").replace(",", " ")[:200], bbox=_box(request.query))
        found = await self._house.search.page(wish, limit, offset, are_facets=False, is_whole=True)
        return self._features(request, [self._as_record(one) for one in found.datasets], found.total, limit, offset)

    async def _record(self, request: Request) -> Response:
        return Response.json(self._as_record(await published(self._house, request.parts[3])), media=_GEO)

    def _features(self, request: Request, features: list[Json], total: int, limit: int, offset: int) -> Response:
        here = "/" + "/".join(request.parts)

        def at(place: int, rel: str) -> Json:
            told = {**request.query, "limit": str(limit), "offset": str(place)}
            return self._link(f"{here}?{urlencode(told)}", rel, _GEO)

        links = [at(offset, "self"), self._link(here.rpartition("/")[0], "collection")]
        links += [at(offset + limit, "next")] * (offset + limit < total)
        links += [at(max(0, offset - limit), "prev")] * (offset > 0)
        told = {
            "type": "FeatureCollection",
            "features": features,
            "links": links,
            "timeStamp": to_iso(self._house.clock.now()),
        }
        return Response.json(told | {"numberMatched": total, "numberReturned": len(features)}, media=_GEO)

    async def _placed(self, name: str) -> Dataset:
        """Raises NotFound for one that lies nowhere."""
        dataset = await published(self._house, name)
        if dataset.shown is None or dataset.shown.bbox is None:
            raise NotFound("this data set has no places")
        return dataset

    def _told(self, one: Dataset) -> Json:
        assert one.shown is not None and one.shown.bbox is not None
        here = f"/collections/{one.id}"
        return {
            "id": one.id,
            "title": one.title("ko"),
            "description": one.about("ko") or one.title("en"),
            "itemType": "feature",
            "crs": [_CRS84],
            "extent": {"spatial": {"bbox": [list(one.shown.bbox)], "crs": _CRS84}},
            "links": [self._link(here, "self"), self._link(f"{here}/items", "items", _GEO)],
        }

    def _catalogue(self) -> Json:
        here = f"/collections/{CATALOGUE}"
        links = [self._link(here, "self"), self._link(f"{here}/items", "items", _GEO)]
        return {
            "id": CATALOGUE,
            "type": "Collection",
            "title": self._city.get("ko", ""),
            "itemType": "record",
            "links": links,
        }

    def _as_record(self, one: Dataset) -> Json:
        bbox = one.shown.bbox if one.shown is not None else None
        properties: Json = {
            "type": "dataset",
            "title": one.title("ko"),
            "description": one.about("ko") or one.title("en"),
            "keywords": one.told.keywords,
            "themes": [{"concepts": [{"id": theme} for theme in one.told.themes], "scheme": "http://publications.europa.eu/resource/authority/data-theme"}],
            "license": LICENCES.get(one.told.licence, ""),
            "updated": to_iso(one.changed_at),
            "created": to_iso(one.issued_at or one.changed_at),
            "language": {"code": "ko"},
        }  # fmt: skip
        home = self._address.removesuffix("/ogc")
        links = [
            self._link(f"/collections/{CATALOGUE}/items/{one.id}", "self", _GEO),
            {"rel": "alternate", "href": f"{home}/data/sets/{one.id}", "type": "text/html"},
            {
                "rel": "enclosure",
                "href": f"{home}/open/datasets/{one.id}/data.parquet",
                "type": "application/vnd.apache.parquet",
            },
        ]
        shape = None if bbox is None else shapely.geometry.mapping(shapely.box(*bbox))
        return {
            "id": one.id,
            "type": "Feature",
            "geometry": shape,
            "time": None,
            "properties": properties,
            "links": links,
        }

    def _link(self, path: str, rel: str, media: bytes = b"application/json") -> Json:
        return {"rel": rel, "href": f"{self._address}{path}", "type": media.decode()}


def feature(row: Json, number: int) -> Json:
    """RFC 7946."""
    wkb = row.get("geometry")
    shape = None if wkb is None else shapely.geometry.mapping(shapely.from_wkb(base64.b64decode(wkb)))
    properties = {name: value for name, value in row.items() if name != "geometry"}
    return {"type": "Feature", "id": number, "geometry": shape, "properties": properties}


def _limits(request: Request, most: int) -> tuple[int, int]:
    """More than may be asked for is what may be (17-069r4, /per/core/fc-limit-response-2). Raises BadRequest."""
    limit = whole(request.query.get("limit", "10"), 1, 10**9, "limit")
    return min(limit, most), whole(request.query.get("offset", "0"), 0, 10**9, "offset")


def _box(query: Mapping[str, str]) -> Box | None:
    """Of four or six numbers. Raises BadRequest."""
    text = query.get("bbox", "")
    if not text:
        return None
    try:
        numbers = [float(one) for one in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (4, 6) or not all(abs(one) <= 1e9 for one in numbers):
        raise BadRequest("bbox: west,south,east,north")
    half = len(numbers) // 2
    return numbers[0], numbers[1], numbers[half], numbers[half + 1]
