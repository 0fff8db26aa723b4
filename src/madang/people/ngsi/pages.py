"""Answers with entities: rendered, joined, as GeoJSON, in pages (clauses 6.3.6 to 6.3.10)."""

from __future__ import annotations

from typing import Any

from madang.base.errors import NotFound
from madang.context.linking import Shown
from madang.context.row import Row
from madang.model.context import Context
from madang.model.entity import Entity
from madang.model.linked import Join
from madang.model.render import Form, feature, geometry_of, render
from madang.model.sight import Sight
from madang.people.conditional import tag_of, tagged, with_tag
from madang.people.http import Request, Response, encode
from madang.people.ngsi.asked import Asked
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.linking import linking_for
from madang.people.ngsi.parameters import GEO, JSON, accepted, answer, context_link
from madang.trust.caller import Caller

MAX_FORMS_HELD = 8
_WHOLE = Form()


class Pages:
    """Turns what the store finds into responses."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def of_query(self, request: Request, asked: Asked, context: Context) -> Response:
        """Runs, renders and pages a query. Raises NotAcceptable, Forbidden, TooManyResults."""
        media = accepted(request)
        caller, form = request.caller, asked.form
        page = await self._broker.store.find(self._broker.restrict(caller, asked.query))
        if media == JSON and asked.join is None:
            sight = caller.reads
            bodies = (
                [held(row, form) for row in page.rows]
                if sight.whole
                else [held_in(row, form, sight) for row in page.rows]
            )
            response = ready(b"[" + b",".join(filter(None, bodies)) + b"]", context)
        else:
            response = await self._rendered(request, page.rows, form, asked.join, media, context)
        response.entities = len(page.rows)
        if page.total is not None:
            response.headers.append((b"ngsild-results-count", str(page.total).encode()))
        response.headers += asked.links(page.more)
        return response

    async def of_rows(self, request: Request, rows: list[Row], asked: Asked, context: Context) -> Response:
        """Entities that were found elsewhere too. Raises NotAcceptable, TooManyResults."""
        response = await self._rendered(request, rows, asked.form, asked.join, accepted(request), context)
        response.entities = len(rows)
        return response

    async def _rendered(
        self, request: Request, rows: list[Row], form: Form, join: Join | None, media: str, context: Context
    ) -> Response:
        pairs = await self._shown(request.caller, rows, form, join)
        shown: Any = [one for one, _ in pairs if one]
        if media == GEO:
            features = [self._feature(request.caller, one, entity, form) for one, entity in pairs if one]
            shown = {"type": "FeatureCollection", "features": features}
        return answer(request, shown, context)

    async def of_entity(self, request: Request, row: Row, form: Form, context: Context, join: Join | None) -> Response:
        """One entity, with its tag when it lies here alone. Raises NotFound when nothing of it is shown."""
        plain = join is None and form.attrs is None and form.pick is None and form.omit is None
        if plain and accepted(request) == JSON:
            response = ready(held(row, form), context)
            return with_tag(request, response, held_tag(row, form)) if row.seq else response
        response = await self._of_entity(request, row, form, context, join)
        return tagged(request, response, row.seq) if row.seq and join is None else response

    async def _of_entity(self, request: Request, row: Row, form: Form, context: Context, join: Join | None) -> Response:
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
            return await linking_for(self._broker, caller, join).show(rows, form)
        cut = self._broker.cut
        return [(render(row.entity, cut(caller, row.entity, form), row.stamps), row.entity) for row in rows]

    def _feature(self, caller: Caller, shown: Any, entity: Entity, form: Form) -> Any:
        """A Feature; its geometry is null when there is none or the caller may not see it."""
        seen = self._broker.cut(caller, entity, _WHOLE).attrs
        hidden = seen is not None and form.geometry not in seen
        return feature(shown, None if hidden else geometry_of(entity, form.geometry))


def held(row: Row, form: Form) -> bytes:
    """The entity as JSON in this form, made once for as long as the row is true; empty when nothing of it is shown."""
    found = row.shown.get(form)
    if found is None:
        shown = render(row.entity, form, row.stamps if form.sys_attrs or form.pick is not None else None)
        found = encode(shown) if shown else b""
        _make_room(row)
        row.shown[form] = found
    return found


def held_in(row: Row, form: Form, sight: Sight) -> bytes:
    """As `held`, of what a sight leaves of the entity."""
    found = row.shown.get((form, sight))
    if found is None:
        seen = sight.form(row.entity, form)
        found = held(row, seen)
        if seen is not form:
            _make_room(row)
            row.shown[form, sight] = found
    return found


def _make_room(row: Row) -> None:
    if len(row.shown) >= MAX_FORMS_HELD:
        row.shown.clear()
        row.tags.clear()


def held_tag(row: Row, form: Form) -> bytes:
    """The entity tag of what is held in this form."""
    found = row.tags.get(form)
    if found is None:
        found = row.tags[form] = tag_of(held(row, form), row.seq)
    return found


def ready(body: bytes, context: Context) -> Response:
    """A JSON answer that is encoded already."""
    return Response(200, body, [(b"content-type", b"application/json"), (b"link", context_link(context))])
