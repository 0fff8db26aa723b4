"""One subscription of one socket: its filters, what it has shown, and what waits to be sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from madang.context.query import Query
from madang.context.row import Row
from madang.model.change import Change
from madang.model.entity import Entity
from madang.model.evaluate import satisfies
from madang.model.render import Form, geometry_of, render


@dataclass
class Waiting:
    """Changes of one entity folded into one. `reborn`: it was created within, so what a client knew of it is void."""

    change: Change
    body: dict[str, Any]
    reborn: bool

    def then(self, change: Change) -> Waiting:
        if change.op != "u":
            return first(change)
        return Waiting(change, self.body | change.change, self.reborn)


def first(change: Change) -> Waiting:
    return Waiting(change, change.change, change.op == "c")


@dataclass
class View:
    """`generation` tells the present load from one that a resync overtook; `query` is what was `asked` as far as it may be."""

    id: str
    query: Query
    form: Form
    asked: Query
    shown: set[str] = field(default_factory=set)
    pending: dict[str, Waiting] = field(default_factory=dict)
    floor: dict[str, int] = field(default_factory=dict)
    floor_top: int = 0
    loading: bool = True
    flushing: bool = False
    seq: int = 0
    generation: int = 0

    @property
    def conditional(self) -> bool:
        return self.query.q is not None or self.query.geo is not None or self.query.sight is not None

    def take(self, change: Change) -> None:
        """Folds a change into what waits. An entity that lost the wanted type is of interest as long as it is shown, waits to
        be, or may just be about to be: while a page is read or a frame is made, nobody knows yet what will be shown."""
        before = self.pending.get(change.id)
        unsure = self.loading or self.flushing or before is not None
        if not unsure and change.id not in self.shown and not self.wants(change.types):
            return
        self.pending[change.id] = first(change) if before is None else before.then(change)
        self.seq = max(self.seq, change.seq)

    def wants(self, types: list[str]) -> bool:
        return any(name in self.query.types for name in types)

    def inside(self, row: Row | None, told: bool) -> bool:
        """Whether the entity satisfies the view's conditions now. `told`: its change says enough where there are none."""
        query = self.query
        if row is None:
            return told and not self.conditional
        if not row.passes(query.sight):
            return False
        if query.q is not None and not satisfies(row.entity.body, query.q):
            return False
        return query.geo is None or query.geo.matches(geometry_of(row.entity, query.geo.attribute))

    def restart(self) -> int:
        """Forgets what was shown; gives the number of the new generation."""
        self.loading = True
        self.pending, self.shown, self.floor, self.floor_top = {}, set(), {}, 0
        self.generation += 1
        return self.generation

    def take_waiting(self) -> list[Waiting]:
        """What waits and no page of the present had yet."""
        pending, self.pending = list(self.pending.values()), {}
        fresh = [one for one in pending if one.change.seq > self.floor.get(one.change.id, 0)]
        if self.floor and all(one.change.seq > self.floor_top for one in pending):
            self.floor = {}
        return fresh

    def put_back(self, waiting: list[Waiting]) -> None:
        """Returns what could not be judged; what came meanwhile is folded on top."""
        for one in waiting:
            later = self.pending.get(one.change.id)
            if later is None:
                self.pending[one.change.id] = one
            elif later.change.op == "u" and not later.reborn:
                later.body, later.reborn = one.body | later.body, one.reborn


def shown_change(change: Change, body: dict[str, Any], form: Form) -> dict[str, Any]:
    """The changed attributes in the view's form; a removed one is null."""
    present = {name: value for name, value in body.items() if value is not None}
    shown = render(Entity(change.id, change.types, present), form)
    for name in body.keys() - present.keys():
        if form.attrs is None or name in form.attrs:
            shown[name] = None
    return shown
