"""Queries of the past through entity maps (clauses 5.14.5, 5.7.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from madang.base.limits import HISTORY_MAX_CANDIDATES
from madang.context.entity_maps import EntityMap, Entry
from madang.history.search import Found
from madang.history.store import Candidates as Wanted
from madang.people.http import Response
from madang.people.ngsi.map_pages import Candidates, Question
from madang.people.ngsi.temporal_reads import AskedPast, TemporalReads


@dataclass(slots=True, kw_only=True)
class TemporalQuestion(Question):
    """The past is this broker's own: no other is asked of it."""

    asked: AskedPast
    reads: TemporalReads

    async def candidates(self) -> Candidates:
        """As many as one question of the past may have."""
        wanted = replace(self.asked.search, limit=HISTORY_MAX_CANDIDATES, offset=0, count=True)
        return Candidates([Entry(one.id) for one in await self.reads.find(wanted)])

    async def fitting(self, made: EntityMap, entries: Sequence[Entry]) -> dict[str, Found]:
        search = self.asked.search
        ids = tuple(
            one.entity_id for one in entries if not search.candidates.ids or one.entity_id in search.candidates.ids
        )
        if not ids:
            return {}
        wanted = Wanted(ids, search.candidates.id_pattern, search.candidates.types)
        page = replace(search, candidates=wanted, order=(), limit=len(ids), offset=0, count=False)
        return {one.id: one for one in await self.reads.find(page)}

    async def shown(self, found: list[Found]) -> Response:
        return await self.reads.shown(self.request, found, self.asked.view)
