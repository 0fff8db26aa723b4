"""`/open`: published files as they were approved, the catalogue as DCAT-AP, and feeds of what is new. No page, no cookie."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from email.utils import format_datetime
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import msgspec

from madang.base.clock import to_iso
from madang.base.errors import Gone, MadangError, NotFound
from madang.base.limits import LAKE_DATASETS_MAX, QUERY_MAX_PAGE
from madang.lake.catalogue.searching import Wish
from madang.lake.datasets.dataset import Dataset
from madang.lake.datasets.house import DataHouse
from madang.lake.indicators.definition import every
from madang.lake.indicators.jsonstat import told as jsonstat
from madang.lake.indicators.sdmx import sdmx
from madang.people.http import Handler, Request, Response, pick_method, problem
from madang.people.identity.pages import texts
from madang.people.portal import dcat
from madang.people.portal.browsing import published
from madang.people.portal.shown import FORMS, INDICATORS
from madang.people.static_files import Files
from madang.people.store.doors import whole

_CHUNK_BYTES = 256 * 1024
_WHOLE_BYTES = 4 * 1024 * 1024
_FEED_ENTRIES = 50
PAGE = 100


class OpenDoor:
    """`address`: the city's; `city`: its name by language."""

    def __init__(self, house: DataHouse, address: str, city: dict[str, str]) -> None:
        self._house, self._address, self._city, self._files = house, address, city, Files(house.published)
        self._printing = asyncio.Lock()  # a page that is printed takes a second of processor

    async def handle(self, request: Request) -> Response:
        try:
            return await pick_method(request, self._handlers(request.parts))(request)
        except MadangError as error:
            return problem(error)

    def _handlers(self, parts: list[str]) -> dict[str, Handler]:
        match parts:
            case ["datasets", _, name] if name.startswith("data."):
                return {"GET": self._latest}
            case ["datasets", _, "versions", _, name] if name.startswith("data."):
                return {"GET": self._version}
            case ["datasets", _, name] if name.startswith("about."):
                return {"GET": self._about}
            case [name] if name.startswith("catalog."):
                return {"GET": self._catalog}
            case ["indicators", name] if name.rpartition(".")[2] in INDICATORS:
                return {"GET": self._indicators}
            case ["feed.atom"]:
                return {"GET": self._atom}
            case ["feed.rss"]:
                return {"GET": self._rss}
        raise NotFound("nothing here")

    async def _latest(self, request: Request) -> Response:
        dataset = await published(self._house, request.parts[1])
        return await self._file(request, dataset, dataset.version, request.parts[2])

    async def _version(self, request: Request) -> Response:
        dataset = await published(self._house, request.parts[1])
        version = await self._house.publications.get(dataset.id, whole(request.parts[3], 1, 10**9, "version"))
        if version.state != "published":
            raise Gone("this version is not published")
        return await self._file(request, dataset, version.version, request.parts[4])

    async def _file(self, request: Request, dataset: Dataset, version: int, name: str) -> Response:
        self._house.uses.saw(dataset.id, request.caller.name, "file")
        form = name.removeprefix("data.")
        path = self._house.file(dataset, form, version)
        if form not in FORMS or not path.is_file():
            raise NotFound(f"there is no {name[:40]} of it")
        attached = (b"content-disposition", f'attachment; filename="{dataset.id}-{version}.{form}"'.encode())
        media = [(b"content-type", FORMS[form].encode()), attached, (b"access-control-allow-origin", b"*")]
        if request.method == "GET" and not request.header(b"range") and path.stat().st_size > _WHOLE_BYTES:
            return Response(200, b"", [*media, (b"etag", _tag(path))], stream=_parts(path))
        request.parts = [dataset.id, str(version), path.name]
        answer = await self._files.handle(request)
        answer.headers = [one for one in answer.headers if one[0] != b"content-type"] + media
        return answer

    async def _about(self, request: Request) -> Response:
        """DCAT of one."""
        dataset = await published(self._house, request.parts[1])
        version = await self._house.publications.get(dataset.id, dataset.version)
        told = dcat.graph([dcat.of_dataset(dataset, version.files, self._address, self._city)])
        return dcat.answer(told, request.parts[2].removeprefix("about."))

    async def _catalog(self, request: Request) -> Response:
        """DCAT of all, by pages of 100 (Hydra says where the next one is)."""
        number = whole(request.query.get("page", "0"), 0, LAKE_DATASETS_MAX // PAGE, "page")
        found = await self._house.search.page(Wish(), PAGE, number * PAGE, are_facets=False, is_whole=True)
        told = dcat.of_catalog(found.datasets, found.total, number, PAGE, self._address, self._city)
        return dcat.answer(told, request.parts[0].removeprefix("catalog."))

    async def _indicators(self, request: Request) -> Response:
        """A set as JSON-stat, SDMX-ML or PDF."""
        name, _, form = request.parts[1].rpartition(".")
        found = every().get(name)
        if found is None:
            raise NotFound("there is no such set")
        language = "en" if request.query.get("lang") == "en" else "ko"
        values, now = await self._house.values.all_of([one.code for one in found.indicator]), self._house.clock.now()
        city = self._city.get(language, "")
        if form == "pdf":
            from madang.people.portal.report import report  # only who prints pays for its library

            async with self._printing:
                body = await asyncio.to_thread(report, found, values, city, language, texts(language), now)
        elif form == "xml":
            body = sdmx(found, values, self._house.lineage.city, now)
        else:
            body = msgspec.json.encode(jsonstat(found, values, city, language, now))
        return Response(200, body, [(b"content-type", INDICATORS[form]), (b"access-control-allow-origin", b"*")])

    async def _atom(self, request: Request) -> Response:
        """RFC 4287."""
        found = await self._newest()
        newest = to_iso(max(one.changed_at for one in found)) if found else "1970-01-01T00:00:00.000Z"
        entries = "".join(
            f"<entry><id>{self._address}/data/sets/{one.id}#{one.version}</id><title>{escape(one.title('ko'))}</title>"
            f"<link href={quoteattr(f'{self._address}/data/sets/{one.id}')}/><updated>{to_iso(one.changed_at)}</updated>"
            f"<summary>{escape(one.about('ko') or one.title('en'))}</summary></entry>"
            for one in found
        )
        body = (
            '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
            f"<id>{self._address}/open/feed.atom</id><title>{escape(self._city.get('ko', ''))}</title><updated>{newest}</updated>"
            f'<author><name>{escape(self._city.get("ko", ""))}</name></author><link rel="self" href="{self._address}/open/feed.atom"/>'
            f"{entries}</feed>"
        )
        return Response(200, body.encode(), [(b"content-type", b"application/atom+xml; charset=utf-8")])

    async def _rss(self, request: Request) -> Response:
        """RSS 2.0."""
        items = "".join(
            f'<item><guid isPermaLink="false">{one.id}#{one.version}</guid><title>{escape(one.title("ko"))}</title>'
            f"<link>{self._address}/data/sets/{one.id}</link><pubDate>{format_datetime(one.changed_at)}</pubDate>"
            f"<description>{escape(one.about('ko') or one.title('en'))}</description></item>"
            for one in await self._newest()
        )
        name = escape(self._city.get("ko", ""))
        body = (
            f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>{name}</title><link>{self._address}/data</link>'
            f"<description>{name}</description>{items}</channel></rss>"
        )
        return Response(200, body.encode(), [(b"content-type", b"application/rss+xml; charset=utf-8")])

    async def _newest(self) -> list[Dataset]:
        return (await self._house.search.page(Wish(), min(_FEED_ENTRIES, QUERY_MAX_PAGE), are_facets=False)).datasets


async def _parts(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(_CHUNK_BYTES):
            yield part


def _tag(path: Path) -> bytes:
    stat = path.stat()
    return f'"{hashlib.sha256(f"{stat.st_mtime_ns}-{stat.st_size}".encode()).hexdigest()[:16]}"'.encode()
