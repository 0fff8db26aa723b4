"""What the NGSI-LD handlers share: writer, store, contexts, and the gate in front of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from madang.base.errors import MadangError, NotFound
from madang.context.catalogue import Catalogue
from madang.context.contexts import Contexts
from madang.context.discovery import Discovery
from madang.context.query import Query
from madang.context.row import Row
from madang.context.store import Store
from madang.context.writer import Writer
from madang.model.condition import Guarded
from madang.model.entity import Entity
from madang.model.formula import FALSE
from madang.model.operations import Operation, Replace
from madang.model.outcome import Outcome
from madang.model.projection import PLAIN
from madang.model.query import attributes_of
from madang.model.removals import Delete
from madang.model.render import Form
from madang.model.sight import Sight
from madang.trust.caller import Caller

_RESTRICTED_KEPT = 256
_NOW = "1970-01-01T00:00:00.000Z"
"""Of an effect that is only thought of."""


@dataclass(frozen=True)
class Broker:
    """`alias` names this broker to others (a pseudonym of RFC 7230)."""

    writer: Writer
    store: Store
    contexts: Contexts
    discovery: Discovery
    catalogue: Catalogue
    alias: str = "madang"

    async def write(self, caller: Caller, operation: Operation, types: Sequence[str] = ()) -> Outcome:
        """Durable when it returns; see Writer.submit. Raises Forbidden."""
        if not caller.writes.whole:
            await self.check_write(caller, operation, types)
        return await self.writer.submit(operation)

    async def check_write(self, caller: Caller, operation: Operation, types: Sequence[str] = ()) -> None:
        """Raises Forbidden unless the caller may write such an entity as it is and as it will be. What is not there, and what
        the caller may not write, are refused alike, so that existence does not leak."""
        if caller.writes.whole:
            return
        if isinstance(operation, Guarded):
            operation = operation.operation
        before = next((row.entity for row in await self.store.list_by_id([operation.target])), None)
        after, names = _effect(operation, before, types)
        kinds = {*types, *(name for one in (before, after) if one is not None for name in one.types)}
        caller.require_types("write", sorted(kinds))
        states = [one for one in (before, after) if one is not None and one.types]
        if not states:
            raise caller.refusal(f"write {operation.target}")
        for state in states:
            open_to = caller.writes.of(state)
            if open_to.empty or (hidden := sorted(name for name in names if name not in open_to)):
                what = f"write {operation.target}" if open_to.empty else f"write {', '.join(hidden)}"
                rules = caller.forbidding("write", tuple(state.types), None if open_to.empty else hidden[0])
                raise caller.refusal(what, rules)

    def restrict(self, caller: Caller, query: Query, action: str = "read") -> Query:
        """The query cut down to what the caller may ask; each entity found is then shown by `cut`. `action` is read, or history.
        Raises Forbidden for a question that would tell of what is hidden."""
        sight = caller.sight(action)
        if sight.whole:
            return query
        known = caller.restricted.get((action, id(query)))
        if known is None or known[0] is not query:
            if len(caller.restricted) >= _RESTRICTED_KEPT:
                caller.restricted.clear()
            known = caller.restricted[action, id(query)] = (query, self._restricted(caller, sight, query, action))
        return known[1]

    def _restricted(self, caller: Caller, sight: Sight, query: Query, action: str) -> Query:
        named = query.types or tuple(dict.fromkeys(name for one in query.any_of for name in one.types))
        caller.require_types(action, named)
        if sight.blind:
            raise caller.refusal(f"{action} anything")
        asked = frozenset(attributes_in(query))
        bound = bool(query.types) or (bool(query.any_of) and all(one.types for one in query.any_of))
        known = named if bound else tuple(name for name in sight.types if not sight.of_types((name,)).blind)
        others = not bound and not sight.of_types(()).blind
        for types in [*((name,) for name in known), *([()] if others else [])]:
            # Of each type by itself: what is open of one says nothing of another.
            here = sight.of_types(types)
            hidden = sorted(name for name in asked if here.about(name) == FALSE)
            if hidden:
                what = f"{action} {', '.join(hidden)} of {types[0] if types else 'all types'}"
                raise caller.refusal(what, caller.forbidding(action, types, hidden[0]))
        types = () if others else known
        return replace(query, types=types, sight=sight.filter(asked, types))

    def cut(self, caller: Caller, entity: Entity, form: Form) -> Form:
        """The form in which the caller sees the entity."""
        return form if caller.everything else caller.reads.form(entity, form)

    def visible(self, caller: Caller, row: Row, form: Form) -> Form:
        """The form in which the caller may see this entity. Raises NotFound, so that existence does not leak."""
        if not caller.everything and not caller.reads.sees(row.entity):
            raise NotFound(f"no entity {row.entity.id}")
        return self.cut(caller, row.entity, form)


def _effect(operation: Operation, before: Entity | None, types: Sequence[str]) -> tuple[Entity | None, set[str]]:
    """What the entity will be, as far as it can be told, and the attributes that are touched."""
    said = getattr(operation, "entity", Entity(operation.target, [], {}))
    names = set(said.body) | ({operation.name} if hasattr(operation, "name") else set())
    if isinstance(operation, Replace | Delete) and before is not None:
        names |= set(before.body)  # what is not said again is removed
    try:
        outcome = operation.apply(before, _NOW)
    except MadangError:  # the writer will say so
        return Entity(operation.target, [*types], said.body) if types else None, names
    after = outcome.entity
    if after is None and types:
        after = Entity(operation.target, [*types], said.body)
    return after, names | set(outcome.changed)


def attributes_in(query: Query) -> set[str]:
    """Every attribute whose value a query would reveal."""
    names = set(query.attrs)
    if query.geo is not None:
        names.add(query.geo.attribute)
    if query.order is not None:
        names |= {term.path.names[0] for term in query.order.terms} - PLAIN
        names |= {query.order.distance.attribute} if query.order.distance is not None else set()
    if query.q is not None:
        names |= attributes_of(query.q)
    return names
