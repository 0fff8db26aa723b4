"""Fetches the entities that shown Relationships lead to, level by level (clause 4.5.23)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from madang.base.errors import TooManyResults
from madang.base.limits import JOIN_MAX_ENTITIES
from madang.context.row import Row
from madang.model.entity import Entity
from madang.model.linked import Found, Join, links, render_inline
from madang.model.render import Form, render

Shown = tuple[dict[str, Any], Entity]
Level = list[tuple[str, Form]]
Fetch = Callable[[list[str]], Awaitable[list[Row]]]
Cut = Callable[[Entity, Form], Form]


class Linking:
    """One answer with linked entities. `fetch` gives only rows that may be seen, `cut` the form in which they are."""

    def __init__(self, fetch: Fetch, join: Join, cut: Cut = lambda entity, form: form) -> None:
        self._fetch, self._join, self._cut = fetch, join, cut
        self._known: dict[str, Found] = {}

    async def show(self, rows: list[Row], form: Form) -> list[Shown]:
        """The rendered entities: linked ones inside, or after the linking ones. Raises TooManyResults."""
        first = [(row.entity.id, form) for row in rows]
        self._keep(rows)
        levels = [first, *[level async for level in self._levels(first)]]
        if self._join.inline:
            found = [self._known[name] for name, _ in first]
            return [(render_inline(one, form, self._join, self._known, self._cut), one.entity) for one in found]
        return list(self._flat(levels))

    async def _levels(self, level: Level) -> AsyncIterator[Level]:
        followed = {name for name, _ in level} | self._join.contained
        for _ in range(self._join.level):
            reached = [
                pair
                for name, form in level
                if name in self._known
                for pair in links(self._known[name].entity, self._cut(self._known[name].entity, form))
            ]
            level = list({name: (name, form) for name, form in reversed(reached) if name not in followed}.values())[
                ::-1
            ]
            followed |= {name for name, _ in level}
            if len(followed) > JOIN_MAX_ENTITIES:
                raise TooManyResults(f"more than {JOIN_MAX_ENTITIES} entities are linked")
            self._keep(await self._fetch([name for name, _ in level if name not in self._known]))
            yield level

    def _keep(self, rows: list[Row]) -> None:
        self._known |= {row.entity.id: Found(row.entity, row.stamps) for row in rows}

    def _flat(self, levels: list[Level]) -> Iterator[Shown]:
        for level in levels:
            for name, form in level:
                found = self._known.get(name)
                if found is not None:
                    yield render(found.entity, self._cut(found.entity, form), found.stamps), found.entity
