"""`/api/3/action`: what CKAN's action API 3 reads, of our catalogue, for programs that know CKAN. Nothing can be written."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from madang.base.clock import to_iso
from madang.base.errors import BadRequest, MadangError, NotFound
from madang.base.limits import LAKE_DATASETS_MAX, QUERY_MAX_PAGE
from madang.lake.catalogue.searching import Found, Wish
from madang.lake.datasets.dataset import LICENCES, THEMES, Dataset
from madang.lake.datasets.house import DataHouse
from madang.people.http import Request, Response, pick_method
from madang.people.portal.browsing import published
from madang.people.portal.rows import Rows

Json = dict[str, Any]
Action = Callable[[Request, Json], Awaitable[Any]]
_CKAN_FACETS = {"groups": "theme", "license_id": "licence", "organization": "owner"}
_FILTER = re.compile(r'(groups|license_id|organization):\s*"?([^"\s]+)"?')


class CkanDoor:
    """`address`: the city's; `rows` asks published tables."""

    def __init__(self, house: DataHouse, rows: Rows, address: str, city: dict[str, str]) -> None:
        self._house, self._rows, self._address, self._city = house, rows, address, city
        self._actions: dict[str, Action] = {
            "site_read": self._site_read,
            "status_show": self._status,
            "package_list": self._package_list,
            "package_search": self._package_search,
            "package_show": self._package_show,
            "current_package_list_with_resources": self._with_resources,
            "resource_show": self._resource_show,
            "group_list": self._groups,
            "organization_list": self._organizations,
            "license_list": self._licences,
            "tag_list": self._tags,
            "datastore_search": self._datastore_search,
        }

    async def handle(self, request: Request) -> Response:
        *before, name = request.parts or [""]
        name = name if before in (["3", "action"], ["action"]) else ""  # with the API's version or without
        try:
            action = self._actions.get(name)
            if action is None:
                raise NotFound(f"there is no action {name[:40]}")
            handler = pick_method(request, {"GET": self._run(action), "POST": self._run(action)})
            return await handler(request)
        except MadangError as error:
            kind = "Not Found Error" if error.status in (404, 410) else "Validation Error"
            told = {"success": False, "error": {"__type": kind, "message": error.detail or error.title}}
            return Response.json(
                told | {"help": f"{self._address}/api/3/action/help_show?name={name[:40]}"}, error.status
            )

    def _run(self, action: Action) -> Callable[[Request], Awaitable[Response]]:
        async def run(request: Request) -> Response:
            given: Json = dict(request.query)
            if request.method == "POST" and await request.body():
                told = await request.json()
                given |= told if isinstance(told, dict) else {}
            result = await action(request, given)
            answer = Response.json({"help": f"{self._address}/api/3/action", "success": True, "result": result})
            answer.headers.append((b"access-control-allow-origin", b"*"))
            return answer

        return run

    async def _site_read(self, request: Request, given: Json) -> bool:
        return True

    async def _status(self, request: Request, given: Json) -> Json:
        return {
            "ckan_version": "2.11.0",
            "site_title": self._city.get("ko", ""),
            "site_url": self._address,
            "extensions": ["datastore"],
        }

    async def _package_list(self, request: Request, given: Json) -> list[str]:
        found = await self._page(Wish(), given, "limit", "offset", LAKE_DATASETS_MAX)
        return sorted(one.id for one in found.datasets)

    async def _package_search(self, request: Request, given: Json) -> Json:
        """`q`, `fq` (groups, license_id, organization), `rows`, `start`; facets where `facet.field` asks for them."""
        text = str(given.get("q", ""))
        facets = {_CKAN_FACETS[name]: value for name, value in _FILTER.findall(str(given.get("fq", "")))}
        wish = Wish("" if text in ("*:*", "*") else text[:200], facets)
        found = await self._page(wish, given, "rows", "start", QUERY_MAX_PAGE, is_whole=True)
        names = {name: dict(found.facets.get(_CKAN_FACETS[name], [])) for name in _CKAN_FACETS}
        results = [self._package(one) for one in found.datasets]
        return {"count": found.total, "results": results, "facets": names, "search_facets": {}, "sort": "score desc"}

    async def _with_resources(self, request: Request, given: Json) -> list[Json]:
        found = await self._page(Wish(), given, "limit", "offset", QUERY_MAX_PAGE, is_whole=True)
        return [self._package(one) for one in found.datasets]

    async def _package_show(self, request: Request, given: Json) -> Json:
        dataset = await published(self._house, str(given.get("id", "")))
        self._house.uses.saw(dataset.id, request.caller.name, "api")
        return self._package(dataset)

    async def _resource_show(self, request: Request, given: Json) -> Json:
        """Resources are named `ID.FORM`."""
        name = str(given.get("id", ""))
        dataset = await published(self._house, name.partition(".")[0])
        found = next((one for one in self._package(dataset)["resources"] if one["id"] in (name, f"{name}.csv")), None)
        if found is None:
            raise NotFound("there is no such resource")
        return dict(found)

    async def _groups(self, request: Request, given: Json) -> list[str]:
        return [theme.lower() for theme in THEMES]

    async def _organizations(self, request: Request, given: Json) -> list[str]:
        found = await self._house.search.page(Wish(), 1)
        return [name for name, _ in found.facets["owner"]]

    async def _licences(self, request: Request, given: Json) -> list[Json]:
        return [{"id": name, "title": name, "url": url, "status": "active"} for name, url in LICENCES.items()]

    async def _tags(self, request: Request, given: Json) -> list[str]:
        rows = await self._house.book.pool.fetch(
            "SELECT DISTINCT unnest(keywords) AS word FROM dataset WHERE state = 'published' ORDER BY 1 LIMIT 1000"
        )
        return [row["word"] for row in rows]

    async def _datastore_search(self, request: Request, given: Json) -> Json:
        """`resource_id`, `limit` (100), `offset`, `filters` of equal values."""
        dataset = await published(self._house, str(given.get("resource_id", "")).partition(".")[0])
        self._house.uses.saw(dataset.id, request.caller.name, "api")
        limit = _whole(given.get("limit", 100), QUERY_MAX_PAGE * 10)
        offset = _whole(given.get("offset", 0), 10**9)
        filters = given.get("filters") or {}
        if not isinstance(filters, dict):
            raise BadRequest("filters: an object")
        found = await self._rows.page(dataset, limit, offset, equal=filters)
        fields = [{"id": name, "type": kind} for name, kind in self._rows.columns(dataset)]
        records = [{"_id": number} | row for number, row in zip(found.numbers, found.rows, strict=True)]
        return {
            "resource_id": dataset.id,
            "fields": fields,
            "records": records,
            "total": found.total,
            "limit": limit,
            "offset": offset,
        }

    async def _page(self, wish: Wish, given: Json, size: str, start: str, most: int, is_whole: bool = False) -> Found:
        unlimited = LAKE_DATASETS_MAX if most == LAKE_DATASETS_MAX else 10
        limit, offset = _whole(given.get(size, unlimited), most), _whole(given.get(start, 0), 10**9)
        return await self._house.search.page(wish, limit, offset, is_whole, is_whole)

    def _package(self, one: Dataset) -> Json:
        third = "geojson" if one.shown is not None and one.shown.format == "geoparquet" else "json"
        base = f"{self._address}/open/datasets/{one.id}"
        resources = [
            {
                "id": f"{one.id}.{form}",
                "package_id": one.id,
                "name": f"{one.title('ko')} ({form.upper()})",
                "format": form.upper(),
                "url": f"{base}/data.{form}",
                "datastore_active": form == "csv",
                "last_modified": to_iso(one.changed_at).rstrip("Z"),
            }
            for form in ("csv", third, "parquet")
        ]
        return {
            "id": one.id,
            "name": one.id,
            "title": one.title("ko"),
            "title_translated": one.told.title,
            "notes": one.about("ko"),
            "license_id": one.told.licence,
            "license_url": LICENCES.get(one.told.licence, ""),
            "isopen": one.told.licence in ("kogl-1", "cc-by-4.0", "cc0-1.0", "odbl-1.0"),
            "organization": {"name": one.told.owner, "title": one.told.owner} if one.told.owner else None,
            "groups": [{"name": theme.lower(), "title": theme} for theme in one.told.themes],
            "tags": [{"name": word, "display_name": word} for word in one.told.keywords],
            "state": "active",
            "type": "dataset",
            "private": False,
            "version": str(one.version),
            "metadata_created": to_iso(one.issued_at or one.changed_at).rstrip("Z"),
            "metadata_modified": to_iso(one.changed_at).rstrip("Z"),
            "num_resources": len(resources),
            "resources": resources,
        }


def _whole(value: Any, most: int) -> int:
    """Raises BadRequest."""
    text = str(value)
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise BadRequest(f"{text[:20]}: a whole number, please")
    return min(int(text), most)
