"""What the NGSI-LD handlers share: writer, store, contexts, and the gate in front of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from madang.base.errors import Forbidden, NotFound
from madang.context.catalogue import Catalogue
from madang.context.contexts import Contexts
from madang.context.discovery import Discovery
from madang.context.query import Query
from madang.context.row import Row
from madang.context.store import Store
from madang.context.writer import Writer
from madang.model.condition import Guarded
from madang.model.entity import Entity
from madang.model.operations import Operation, Replace
from madang.model.outcome import Outcome
from madang.model.projection import PLAIN
from madang.model.query import All, Differs, Linked, Node, Some
from madang.model.removals import Delete
from madang.model.render import Form
from madang.trust.caller import Caller


@dataclass(frozen=True)
class Broker:
    """`alias` names this broker to others (a pseudonym of RFC 7230)."""

    writer: Writer
    store: Store
    contexts: Contexts
    discovery: Discovery
    catalogue: Catalogue
    alias: str = "madang"

    async def write(self, caller: Caller, operation: Operation, types: list[str] | None = None) -> Outcome:
        """Durable when it returns; see Writer.submit. Raises Forbidden."""
        if caller.role is None:
            await self.check_write(caller, operation, types)
        else:
            caller.require("write", "entities")
        return await self.writer.submit(operation)

    async def check_write(self, caller: Caller, operation: Operation, types: list[str] | None = None) -> None:
        """Raises Forbidden unless the caller may write such an entity as it is and as it will be."""
        if caller.role is not None:
            caller.require("write", "entities")
            return
        if isinstance(operation, Guarded):
            operation = operation.operation
        wanted = set(types or [])
        body = getattr(operation, "entity", Entity("", [], {})).body
        names = set(body) | ({operation.name} if hasattr(operation, "name") else set())
        for row in await self.store.list_by_id([operation.target]):
            wanted |= set(row.entity.types)
            if isinstance(operation, Replace | Delete):
                names |= set(row.entity.body)  # what is not said again is removed
        if not wanted:
            raise NotFound(f"no entity {operation.target}")
        for name in wanted:
            caller.require("write", name)
        allowed = caller.attributes("write", wanted)
        if allowed is not None and not names <= allowed:
            raise Forbidden(f"{caller.name} was not granted to write {', '.join(sorted(names - allowed))}")

    def restrict(self, caller: Caller, query: Query, form: Form) -> tuple[Query, Form]:
        """The query cut down to what the caller may ask; each entity found is then shown by `cut`. Raises Forbidden."""
        if caller.everything:
            return query, form
        readable = caller.readable_types() or ()
        types = query.types or readable
        for name in types:
            caller.require("read", name)
        if not types:
            raise Forbidden(f"{caller.name} was not granted to read anything")
        asked = attributes_in(query)
        for name in types:
            # Of each type by itself: what is open of one says nothing of another.
            open_to = caller.attributes("read", [name])
            if open_to is not None and not asked <= open_to:
                raise Forbidden(f"{caller.name} was not granted to read {', '.join(sorted(asked - open_to))} of {name}")
        return replace(query, types=tuple(types)), form

    def cut(self, caller: Caller, types: list[str], form: Form) -> Form:
        """The form in which the caller sees entities of these types."""
        if caller.everything:
            return form
        return replace(form, attrs=_both(form.attrs, caller.attributes("read", types)))

    def visible(self, caller: Caller, row: Row, form: Form) -> Form:
        """The form in which the caller may see this entity. Raises NotFound, so that existence does not leak."""
        if caller.everything:
            return form
        open_to = caller.attributes("read", row.entity.types)
        if open_to is not None and not open_to:
            raise NotFound(f"no entity {row.entity.id}")
        return self.cut(caller, row.entity.types, form)


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return one if other is None else other
    return one & other


ANYTHING = "*"
"""Stands for what a caller with grants by attribute may not ask: the attributes of whatever a Relationship leads to."""


def attributes_in(query: Query) -> set[str]:
    """Every attribute whose value a query would reveal."""
    names = set(query.attrs)
    if query.geo is not None:
        names.add(query.geo.attribute)
    if query.order is not None:
        names |= {term.path.names[0] for term in query.order.terms} - PLAIN
        names |= {query.order.distance.attribute} if query.order.distance is not None else set()
    if query.q is not None:
        names |= _paths(query.q)
    return names


def _paths(node: Node) -> set[str]:
    if isinstance(node, All | Some):
        return set().union(*(_paths(term) for term in node.terms))
    if isinstance(node, Linked):
        return {node.relation, ANYTHING}
    test = node.test if isinstance(node, Differs) else node
    return {test.path.names[0]}
