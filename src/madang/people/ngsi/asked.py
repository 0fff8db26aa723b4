"""What a reading request asks for, worked out once: pages and screens ask the same again and again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from madang.context.query import Query
from madang.model.context import Context
from madang.model.linked import Join
from madang.model.render import Form
from madang.model.selection import Selection, parse_types
from madang.people.http import Response, parse_query_string
from madang.people.ngsi.forms import form_of, join_of
from madang.people.ngsi.queries import check_width, query_of

PREFIX = "/ngsi-ld/v1"
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which entities, in which form; `rest` are the parameters that all pages of the answer share, `path` is where they lie."""

    query: Query
    form: Form
    join: Join | None
    rest: str
    path: str = "entities"

    def links(self, more: bool) -> Headers:
        """Link headers to the pages before and after."""
        return _links(self.path, self.rest, self.query.limit, self.query.offset, more)


def page_links(resource: str, raw_query: bytes, limit: int, offset: int, more: bool, media: str) -> Headers:
    """Link headers of a page of any resource to those before and after, which are of type `media` (clause 6.3.10)."""
    links = _links(resource, rest_of(raw_query), limit, offset, more)
    return [(name, value + f';type="{media}"'.encode()) for name, value in links]


def _links(resource: str, rest: str, limit: int, offset: int, more: bool) -> Headers:
    return page_turns(resource, rest, limit, offset, offset + limit if more else None)


def page_turns(resource: str, rest: str, limit: int, offset: int, following: int | None) -> Headers:
    """Link headers to the page before, and to the next one where it begins at `following`."""
    pages = []
    if offset > 0:
        pages.append((max(0, offset - limit), "prev"))
    if following is not None:
        pages.append((following, "next"))
    before = f"{rest}&" if rest else ""
    return [
        (b"link", f'<{PREFIX}/{resource}?{before}limit={limit}&offset={at}>;rel="{relation}"'.encode())
        for at, relation in pages
    ]


@lru_cache(maxsize=4_096)
def asked_for_many(raw_query: bytes, context: Context) -> Asked:
    """Of `GET /entities`. Raises BadRequest, InvalidRequest."""
    given = parse_query_string(raw_query)
    query, form = query_of(given, context), form_of(given, context)
    check_width(given, query)
    return Asked(query, form, join_of(given), rest_of(raw_query))


@lru_cache(maxsize=4_096)
def asked_for_one(raw_query: bytes, context: Context) -> tuple[Form, Join | None, Selection | None]:
    """Of `GET /entities/{id}`: form, linked entities and the types it is to be of. Raises BadRequest, InvalidRequest."""
    given = parse_query_string(raw_query)
    return form_of(given, context), join_of(given), parse_types(given.get("type", ""), context)


def made(resource: str, identifier: str) -> Response:
    """201 with where it is."""
    return Response(201, b"", [(b"Location", f"{PREFIX}/{resource}/{quote(identifier, safe=':')}".encode())])


def rest_of(raw_query: bytes) -> str:
    """The parameters but for those that turn pages."""
    given = parse_query_string(raw_query)
    return "&".join(
        f"{quote(name)}={quote(value, safe='')}" for name, value in given.items() if name not in ("offset", "limit")
    )
