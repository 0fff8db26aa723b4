"""Answers with entities: rendered, joined, as GeoJSON, in pages (clauses 6.3.6 to 6.3.10)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from madang.base.errors import NotFound
from madang.context.row import Row
from madang.context.store import Query
from madang.model.context import Context
from madang.model.entity import Entity
from madang.model.linked import Join
from madang.model.render import Form, feature, geometry_of, render
from madang.people.http import Request, Response
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.linking import Linking, Shown
from madang.people.ngsi.parameters import GEO, accepted, answer
from madang.trust.caller import Caller

PREFIX = "/ngsi-ld/v1"


class Pages:
    """Turns what the store finds into responses."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def of_query(
        self, request: Request, query: Query, form: Form, context: Context, join: Join | None
    ) -> Response:
        """Runs, renders and pages a query. Raises NotAcceptable, Forbidden, TooManyResults."""
        media = accepted(request)
        query, form = self._broker.restrict(request.caller, query, form)
        page = await self._broker.store.find(query)
        pairs = await self._shown(request.caller, page.rows, form, join)
        shown: Any = [one for one, _ in pairs if one]
        if media == GEO:
            features = [self._feature(request.caller, one, entity, form) for one, entity in pairs if one]
            shown = {"type": "FeatureCollection", "features": features}
        response = answer(request, shown, context)
        if page.total is not None:
            response.headers.append((b"ngsild-results-count", str(page.total).encode()))
        response.headers += _page_links(request, query, page.more)
        return response

    async def of_entity(self, request: Request, row: Row, form: Form, context: Context, join: Join | None) -> Response:
        """One entity. Raises NotFound when nothing of it is shown."""
        pairs = await self._shown(request.caller, [row], form, join)
        shown: Any = [one for one, _ in pairs]
        if not shown[0] or (form.attrs is not None and not row.entity.body.keys() & form.attrs):
            raise NotFound(f"nothing of {row.entity.id} is shown")
        if join is None or join.inline:
            shown = shown[0]
        if accepted(request) == GEO:
            features = [self._feature(request.caller, one, entity, form) for one, entity in pairs]
            flat = isinstance(shown, list)
            shown = {"type": "FeatureCollection", "features": features} if flat else features[0]
        return answer(request, shown, context)

    async def _shown(self, caller: Caller, rows: list[Row], form: Form, join: Join | None) -> list[Shown]:
        if join is not None:
            return await Linking(self._broker, caller, join).show(rows, form)
        cut = self._broker.cut
        return [(render(row.entity, cut(caller, row.entity.types, form), row.stamps), row.entity) for row in rows]

    def _feature(self, caller: Caller, shown: Any, entity: Entity, form: Form) -> Any:
        """A Feature; its geometry is null when there is none or the caller may not see it."""
        seen = self._broker.cut(caller, entity.types, Form()).attrs
        hidden = seen is not None and form.geometry not in seen
        return feature(shown, None if hidden else geometry_of(entity, form.geometry))


def _page_links(request: Request, query: Query, more: bool) -> list[tuple[bytes, bytes]]:
    pages = []
    if query.offset > 0:
        pages.append((max(0, query.offset - query.limit), "prev"))
    if more:
        pages.append((query.offset + query.limit, "next"))
    rest = "&".join(
        f"{quote(name)}={quote(value, safe='')}"
        for name, value in request.query.items()
        if name not in ("offset", "limit")
    )
    return [
        (b"link", f'<{PREFIX}/entities?{rest}&limit={query.limit}&offset={offset}>;rel="{relation}"'.encode())
        for offset, relation in pages
    ]
