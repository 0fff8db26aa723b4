"""`/data/notebooks`: questions of the lake with words between them, answered as tables, charts and maps. Works without scripts.

Every question is asked as `/lake/sql` asks it, by whoever looks: a shared notebook shows each what they themselves may see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from madang.base.errors import BadRequest, Forbidden, MadangError, NotFound
from madang.base.limits import LAKE_SQL_ROWS_MAX, NOTEBOOK_CELLS_MAX, NOTEBOOK_ROWS
from madang.lake.catalogue.notebooks import Cell, Notebook
from madang.lake.datasets.house import DataHouse
from madang.people.http import Response
from madang.people.identity.doors import Door, Table
from madang.people.identity.pages import go, page, told
from madang.people.identity.visit import Browsers, Visit
from madang.people.lake import MEDIA, Asked, LakeDoor
from madang.people.portal.charts import places
from madang.people.portal.ground import Ground
from madang.people.portal.plotting import around, plot, points_of
from madang.people.store.doors import whole
from madang.trust.caller import Caller
from madang.trust.identity.house import Identity
from madang.trust.identity.person import PERSONS_ROLES

SHOWN_ROWS = 50
Json = dict[str, Any]


class NotebooksDoor(Door):
    """For whoever may ask the lake."""

    def __init__(
        self, identity: Identity, browsers: Browsers, house: DataHouse, lake: LakeDoor, ground: Ground
    ) -> None:
        super().__init__(identity, browsers)
        self._house, self._notebooks, self._lake, self._ground = house, house.notebooks, lake, ground

    @property
    def table(self) -> Table:
        return {
            "data/notebooks": {"GET": self.page(self._list), "POST": self.page(self._make)},
            "data/notebooks/*": {"GET": self.page(self._open), "POST": self.page(self._change)},
            "data/notebooks/*/answer": {"GET": self.page(self._export)},
        }

    def _caller(self, visit: Visit) -> Caller:
        """Raises Unauthorized, Forbidden."""
        caller = self.browsers.gate.known_as(visit.claim())
        caller.require("read", "lake")
        return caller

    async def _list(self, visit: Visit) -> Response:
        caller = self._caller(visit)
        found = await self._notebooks.of(caller.name, visit.roles)
        return page(visit, "portal/notebooks", notebooks=found, me=caller.name)

    async def _make(self, visit: Visit) -> Response:
        caller, form = self._caller(visit), await self.browsers.form(visit)
        return go(visit, f"/data/notebooks/{await self._notebooks.make(form.get('title', ''), caller.name)}")

    async def _open(self, visit: Visit) -> Response:
        """`run`: its questions are asked."""
        caller = self._caller(visit)
        one = await self._one(visit, caller)
        cells = [await self._cell(visit, caller, each, bool(visit.request.query.get("run"))) for each in one.cells]
        roles = sorted(PERSONS_ROLES)
        return page(visit, "portal/notebook", one=one, cells=cells, roles=roles, is_mine=one.owner == caller.name)

    async def _change(self, visit: Visit) -> Response:
        """What the form says is kept; then what its button says is done."""
        caller, form = self._caller(visit), await self.browsers.form(visit)
        one, act = await self._one(visit, caller), form.get("act", "")
        if one.owner != caller.name:
            raise Forbidden("only its owner changes a notebook")
        if act == "drop":
            await self._notebooks.drop(one)
            return go(visit, "/data/notebooks")
        cells, shared_with = changed(cells_of(form), act), form.get("shared_with", "")
        if shared_with and shared_with not in PERSONS_ROLES:
            raise BadRequest("there is no such role")
        await self._notebooks.save(one, form.get("title", ""), cells, shared_with)
        await self._traced(one, cells)
        return go(visit, f"/data/notebooks/{one.id}" + ("?run=1" if act == "run" else ""))

    async def _export(self, visit: Visit) -> Response:
        """All rows of the answer to the `cell` of that number, as `format` csv, json or arrow."""
        caller, query = self._caller(visit), visit.request.query
        one, form = await self._one(visit, caller), query.get("format", "csv")
        place = whole(query.get("cell", ""), 0, NOTEBOOK_CELLS_MAX, "cell")
        if form not in MEDIA or place >= len(one.cells) or one.cells[place].kind != "sql":
            raise NotFound("nothing here")
        answer = await self._lake.answered(caller, Asked(one.cells[place].text, form, LAKE_SQL_ROWS_MAX), form)
        name = f'attachment; filename="notebook-{one.id}-{place}.{form}"'.encode()
        return Response(
            200, b"", [(b"content-type", MEDIA[form].encode()), (b"content-disposition", name)], stream=answer
        )

    async def _one(self, visit: Visit, caller: Caller) -> Notebook:
        number = whole(visit.request.parts[2], 1, 10**15, "id")
        return await self._notebooks.get(number, caller.name, visit.roles)

    async def _cell(self, visit: Visit, caller: Caller, cell: Cell, is_run: bool) -> Json:
        """With its answer, or with what is wrong with it."""
        if cell.kind == "text" or not is_run or not cell.text.strip():
            return {"cell": cell}
        try:
            answer = await self._lake.answered(caller, Asked(cell.text, "json", NOTEBOOK_ROWS), "json")
            found = msgspec.json.decode(b"".join([part async for part in answer]))
        except MadangError as error:
            return {"cell": cell, "error": error.detail or told(visit, error)}
        return {"cell": cell, **await self._pictured(cell, found["columns"], found["rows"]), "more": found["truncated"]}

    async def _pictured(self, cell: Cell, names: list[str], rows: list[list[Any]]) -> Json:
        points = points_of(names, rows) if cell.show == "map" else []
        box = around(points)
        dots = places(points, box, await self._ground.streets(box))
        chart = plot(names, rows) if cell.show == "chart" else None
        kind = "bars" if isinstance(chart, list) else "lines"
        shown = [["" if value is None else str(value) for value in row] for row in rows[:SHOWN_ROWS]]
        return {"names": names, "rows": shown, "count": len(rows), "chart": chart, "kind": kind, "dots": dots}

    async def _traced(self, one: Notebook, cells: list[Cell]) -> None:
        words = {word for cell in cells if cell.kind == "sql" for word in cell.text.replace('"', " ").split()}
        inputs = sorted(f"dataset:{each.id}" for each in await self._house.book.named(sorted(words)[:500]))
        if inputs:
            await self._house.lineage.tell("ask", inputs, [f"notebook:{one.id}"], self._house.clock.now())


def cells_of(form: Mapping[str, str]) -> list[Cell]:
    """The cells a form tells of, in order. Raises BadRequest."""
    numbers = sorted(
        int(name[5:-5]) for name in form if name.startswith("cell-") and name.endswith("-kind") and name[5:-5].isdigit()
    )
    told_cells = [
        {part: form.get(f"cell-{number}-{part}", "") for part in ("kind", "text", "show")} for number in numbers
    ]
    try:
        return [msgspec.convert(one | {"show": one["show"] or "table"}, Cell) for one in told_cells]
    except msgspec.ValidationError as error:
        raise BadRequest(str(error)) from None


def changed(cells: list[Cell], act: str) -> list[Cell]:
    """After a button: `add-sql`, `add-text`, `up-N`, `remove-N`; any other leaves them as they are. Pure."""
    verb, _, what = act.partition("-")
    if verb == "add" and what in ("sql", "text"):
        return [*cells, Cell("sql" if what == "sql" else "text")]
    place = int(what) if what.isdigit() else -1
    if verb == "remove" and 0 <= place < len(cells):
        return [*cells[:place], *cells[place + 1 :]]
    if verb == "up" and 0 < place < len(cells):
        return [*cells[: place - 1], cells[place], cells[place - 1], *cells[place + 1 :]]
    return cells
