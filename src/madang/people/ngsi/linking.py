"""Fetches the entities that shown Relationships lead to, level by level (clause 4.5.23)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from madang.base.errors import NotFound, TooManyResults
from madang.base.limits import JOIN_MAX_ENTITIES
from madang.context.row import Row
from madang.model.entity import Entity
from madang.model.linked import Found, Join, links, render_inline
from madang.model.render import Form, render
from madang.people.ngsi.broker import Broker
from madang.trust.caller import Caller

Shown = tuple[dict[str, Any], Entity]
Level = list[tuple[str, Form]]


class Linking:
    """One answer with linked entities. Nothing is shown that the caller may not see."""

    def __init__(self, broker: Broker, caller: Caller, join: Join) -> None:
        self._broker, self._caller, self._join = broker, caller, join
        self._known: dict[str, Found] = {}

    async def show(self, rows: list[Row], form: Form) -> list[Shown]:
        """The rendered entities: linked ones inside, or after the linking ones. Raises TooManyResults."""
        first = [(row.entity.id, form) for row in rows]
        self._keep(rows)
        levels = [first, *[level async for level in self._levels(first)]]
        if self._join.inline:
            found = [self._known[name] for name, _ in first]
            return [(render_inline(one, form, self._join, self._known, self._form), one.entity) for one in found]
        return list(self._flat(levels))

    async def _levels(self, level: Level) -> Any:
        followed = {name for name, _ in level} | self._join.contained
        for _ in range(self._join.level):
            reached = [
                pair
                for name, form in level
                if name in self._known
                for pair in links(self._known[name].entity, self._form(self._known[name].entity, form))
            ]
            level = list({name: (name, form) for name, form in reversed(reached) if name not in followed}.values())[
                ::-1
            ]
            followed |= {name for name, _ in level}
            if len(followed) > JOIN_MAX_ENTITIES:
                raise TooManyResults(f"more than {JOIN_MAX_ENTITIES} entities are linked")
            self._keep(await self._broker.store.list_by_id([name for name, _ in level if name not in self._known]))
            yield level

    def _keep(self, rows: list[Row]) -> None:
        for row in rows:
            try:
                self._broker.visible(self._caller, row, Form())
            except NotFound:
                continue
            self._known[row.entity.id] = Found(row.entity, row.stamps)

    def _form(self, entity: Entity, form: Form) -> Form:
        return self._broker.cut(self._caller, entity.types, form)

    def _flat(self, levels: list[Level]) -> Iterator[Shown]:
        for level in levels:
            for name, form in level:
                found = self._known.get(name)
                if found is not None:
                    yield render(found.entity, self._form(found.entity, form), found.stamps), found.entity
