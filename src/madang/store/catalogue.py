"""What there is in the store: the latest published version of each app."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

from madang.base.errors import BadRequest, NotFound
from madang.base.limits import STORE_PAGE, STORE_SCREENSHOT_MAX_BYTES, STORE_SCREENSHOTS_MAX, STORE_SEARCH_MAX_CHARS
from madang.store.publishers import Publisher, Publishers
from madang.store.ratings.reviews import Reviews
from madang.store.ratings.weigh import Shown
from madang.store.releases import Release, Releases

_TEXT = """lower(app || ' ' || (manifest->'name'->>'ko') || ' ' || (manifest->'name'->>'en') || ' ' || (manifest->'summary'->>'ko')
  || ' ' || (manifest->'summary'->>'en') || ' ' || coalesce(manifest->>'service', ''))"""
_LATEST = """SELECT id FROM (SELECT DISTINCT ON (app) id, app, manifest, decided_at FROM store_release WHERE state = 'published'
    ORDER BY app, decided_at DESC) latest WHERE true"""
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Wish:
    """What somebody looks for; what is empty narrows nothing. `price`: a model of the manifest."""

    words: str = ""
    category: str = ""
    service: str = ""
    price: str = ""
    publisher: str = ""


@dataclass(frozen=True)
class Entry:
    """One app as it is shown."""

    release: Release
    publisher: Publisher
    shown: Shown


class Catalogue:
    """Reads only."""

    def __init__(self, releases: Releases, publishers: Publishers, reviews: Reviews) -> None:
        self._releases, self._publishers, self._reviews = releases, publishers, reviews

    async def page(self, wish: Wish, number: int) -> tuple[list[Entry], bool]:
        """A page (from 0) by name of app, and whether there is another. Raises BadRequest."""
        if len(wish.words) > STORE_SEARCH_MAX_CHARS or not 0 <= number <= 10_000:
            raise BadRequest(f"at most {STORE_SEARCH_MAX_CHARS} characters are looked for", reason="search_long")
        values: list[object] = []
        query = _LATEST
        for word in wish.words.lower().split():
            values.append(word)
            query += f" AND position(${len(values)} IN {_TEXT}) > 0"
        for text, condition in (
            (wish.category, "manifest::jsonb->'categories' @> to_jsonb(${}::text)"),
            (wish.service, "manifest->>'service' = ${}"),
            (wish.price, "manifest->'price'->>'model' = ${}"),
            (wish.publisher, "manifest->>'publisher' = ${}"),
        ):
            if text:
                values.append(text)
                query += f" AND {condition.format(len(values))}"
        query += f" ORDER BY app LIMIT {STORE_PAGE + 1} OFFSET {number * STORE_PAGE}"
        rows = await self._releases.pool.fetch(query, *values)
        found = [await self._releases.get(row["id"]) for row in rows[:STORE_PAGE]]
        return await self._entries(found), len(rows) > STORE_PAGE

    async def entry(self, app: str) -> Entry:
        """The latest published version. Raises NotFound."""
        latest = await self._releases.latest(app)
        if latest is None:
            raise NotFound("no such app in the store")
        return (await self._entries([latest]))[0]

    async def _entries(self, found: list[Release]) -> list[Entry]:
        ratings = await self._reviews.shown([one.app for one in found])
        publishers = {name: await self._publishers.get(name) for name in {one.publisher for one in found}}
        return [Entry(one, publishers[one.publisher], ratings[one.app]) for one in found]

    async def screenshot(self, release: Release, index: int) -> bytes:
        """A PNG of the package. Raises NotFound."""
        pictures = screenshots(await self._releases.body(release.sha256))
        if not 0 <= index < len(pictures):
            raise NotFound("no such picture")
        return pictures[index]

    async def pictures(self, release: Release) -> int:
        """How many there are."""
        return len(screenshots(await self._releases.body(release.sha256)))


def screenshots(body: bytes) -> tuple[bytes, ...]:
    """The pictures a package brings, by name; what is no PNG or too large is left out."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        named = sorted(one.filename for one in archive.infolist() if _is_picture(one))
        read = (archive.read(name) for name in named[:STORE_SCREENSHOTS_MAX])
        return tuple(data for data in read if data.startswith(_PNG))


def _is_picture(one: zipfile.ZipInfo) -> bool:
    name, small = one.filename, one.file_size <= STORE_SCREENSHOT_MAX_BYTES
    return name.startswith("screenshots/") and name.endswith(".png") and small
