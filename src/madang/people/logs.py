"""One log that a socket follows: every change by itself, in commit order, from a place on. What the bus brings goes straight
through; what it did not bring, or nobody had time to take, is read from the database.

Law (tested): what is told are the changes behind the place, each once and in order, whatever happens to the bus.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from madang.base.limits import SOCKET_QUEUE_MAX_CHANGES
from madang.context.query import Query
from madang.context.store import Store
from madang.model.change import Change
from madang.model.evaluate import satisfies
from madang.model.render import Form
from madang.model.sight import Opened, Sight
from madang.people.views import shown_change


@dataclass
class Log:
    """`told`: the place up to which all was told; `behind`: the database knows more than what waits here."""

    id: str
    query: Query
    form: Form
    action: str
    told: int
    behind: bool = True
    top: int = 0
    generation: int = 0
    waiting: list[Change] = field(default_factory=list)

    def take(self, change: Change) -> None:
        """From the bus. One that was too large for it came without its attributes: the database has them."""
        if change.seq <= max(self.top, self.told):
            return
        self.top = change.seq
        if not self.wants(change.types):
            return
        if len(self.waiting) >= SOCKET_QUEUE_MAX_CHANGES or (change.op != "d" and not change.change):
            self.restart()
        else:
            self.waiting.append(change)

    def restart(self) -> None:
        """Goes on by the database from what was told last; what is being read may have been read too early."""
        self.waiting, self.behind = [], True
        self.generation += 1

    def wants(self, types: Iterable[str]) -> bool:
        return any(name in self.query.types for name in types)

    def take_waiting(self) -> list[Change]:
        """What the bus brought and was not told yet; then all is told up to `top`."""
        fresh = [change for change in self.waiting if change.seq > self.told]
        self.waiting, self.told = [], max(self.top, self.told)
        return fresh

    def passes(self, change: Change) -> bool:
        """Conditions are asked of what changed alone, so that a replay tells the same."""
        if self.query.q is None or change.op == "d":
            return True
        return satisfies({name: value for name, value in change.change.items() if value is not None}, self.query.q)


def open_by_type(sight: Sight, change: Change) -> Opened | None:
    """The attributes that are open in all entities of the change's types; None where it depends on the entity."""
    return sight.of_types(change.types).opened


def told_of(change: Change, opened: Opened, form: Form) -> dict[str, Any] | None:
    """`{"seq", "op", "at", "entity"}` with the changed attributes in the log's form; None when nothing of it is to be told."""
    if opened.empty:
        return None
    body = {name: value for name, value in change.change.items() if name in opened} if change.op != "d" else {}
    entity = shown_change(change, body, form)
    if change.op != "d" and not entity.keys() - {"id", "type"}:
        return None
    return {"seq": change.seq, "op": change.op, "at": change.at, "entity": entity}


async def tell(store: Store, sight: Sight, changes: Sequence[Change], form: Form) -> list[dict[str, Any]]:
    """Changes as somebody may see them. Where rights ask for place or owner, the entity as it is now decides; of one that is gone
    nothing is told."""
    unsure = sorted({change.id for change in changes if open_by_type(sight, change) is None})
    rows = {row.entity.id: row for row in await store.list_by_id(unsure)} if unsure else {}
    found = []
    for change in changes:
        opened = open_by_type(sight, change)
        if opened is None and change.id in rows:
            opened = sight.of(rows[change.id].entity)
        told = told_of(change, opened, form) if opened is not None else None
        found += [told] if told is not None else []
    return found
