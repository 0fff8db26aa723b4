"""The clock of the service level, looked at while nobody does: what is overdue goes one level up."""

from __future__ import annotations

from functools import partial

from madang.operations.incidents.book import Book
from madang.operations.incidents.decide import escalate, overdue
from madang.operations.incidents.incident import Change, Incident

BY = "madang"


class Clockwork:
    """Escalates each incident once for each limit that passes."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def once(self) -> list[int]:
        """Those that were escalated."""
        now = self._book.clock.now()
        late = [(one.id, overdue(one, now)) for one in await self._book.unresolved() if overdue(one, now) > one.level]
        for incident, reached in late:
            await self._book.act(incident, BY, partial(_raised, level=reached))
        return [incident for incident, _ in late]


def _raised(incident: Incident, level: int) -> Change | None:
    """Whoever was quicker counts: it may be over, or higher, by now."""
    if incident.state == "resolved" or incident.merged_into is not None or incident.level >= level:
        return None
    return escalate(incident, "", level)
