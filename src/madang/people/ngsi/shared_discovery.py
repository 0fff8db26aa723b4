"""What other brokers say of the types and attributes they have (clauses 5.7.5 to 5.7.10)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from madang.base.errors import MadangError
from madang.context.discovery import Usage
from madang.federation.peers import Call, Reply
from madang.model.context import Context
from madang.model.registration import Registration
from madang.model.sources import Spec, admits, partner
from madang.people.http import Request
from madang.people.ngsi.shared_outcomes import objects_in, texts_in
from madang.people.ngsi.sharing import Sharing, Warnings, parameters

ANYTHING = Spec()
Pairs = set[tuple[str, str | None]]


@dataclass(frozen=True)
class Question:
    """One of the six operations. `path` may hold `{name}`, of the type or attribute that `name` is, internal."""

    operation: str
    path: str
    spec: Spec = ANYTHING
    name: str = ""
    details: bool = False


@dataclass(frozen=True)
class Told:
    """One broker's answer in the names of `context`; only what one of the registrations admits counts."""

    registrations: tuple[Registration, ...]
    body: Any
    context: Context

    def types(self) -> set[str]:
        """Of an EntityTypeList."""
        return {name for name in self._names(self._member("typeList")) if self._admits(name, None)}

    def attributes(self) -> set[str]:
        """Of an AttributeList."""
        return {name for name in self._names(self._member("attributeList")) if self._admits(None, name)}

    def pairs(self) -> Pairs:
        """`(type, attribute)` of a list of EntityType; a type without attributes stands with None."""
        return {pair for one in objects_in(self.body) for pair in self._of_type(one)}

    def pairs_by_attribute(self) -> Pairs:
        """As `pairs`, of a list of Attribute."""
        found = {(kind, name) for one in objects_in(self.body) for name, kind in self._crossed(one)}
        return {pair for pair in found if self._admits(*pair)}

    def _crossed(self, one: dict[str, Any]) -> Iterator[tuple[str, str]]:
        for name in self._names([one.get("attributeName")]):
            yield from ((name, kind) for kind in self._names(one.get("typeNames")))

    def _of_type(self, one: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
        for kind in self._names([one.get("typeName")]):
            names = [name for name in self._names(one.get("attributeNames")) if self._admits(kind, name)]
            if self._admits(kind, None):
                found: list[str | None] = [*names] or [None]
                yield from ((kind, name) for name in found)

    def usages(self, kind: str) -> tuple[int, list[Usage]]:
        """How many entities of a type there are and which attributes they have, of an EntityTypeInfo."""
        listed = objects_in(self._member("attributeDetails"))
        found = [
            Usage(name, texts_in(one.get("attributeTypes")), 0)
            for one in listed
            for name in self._names([one.get("attributeName")])
            if self._admits(kind, name)
        ]
        return self._whole("entityCount"), found

    def usage(self, attribute: str) -> tuple[int, list[Usage]]:
        """How many of an attribute there are, and the types that have it with its attribute types, of an Attribute."""
        kinds = [kind for kind in self._names(self._member("typeNames")) if self._admits(kind, attribute)]
        types = texts_in(self._member("attributeTypes"))
        return self._whole("attributeCount"), [Usage(kind, types, 0) for kind in kinds]

    def _member(self, name: str) -> Any:
        return self.body.get(name) if isinstance(self.body, dict) else None

    def _whole(self, name: str) -> int:
        value = self._member(name)
        return value if isinstance(value, int) and value > 0 else 0

    def _names(self, value: Any) -> list[str]:
        """Raises BadRequest for what is no name."""
        return [self.context.expand(one) for one in texts_in(value)]

    def _admits(self, kind: str | None, name: str | None) -> bool:
        return any(admits(one, kind, name) for one in self.registrations)


class SharedDiscovery:
    """Asks each broker once, however many registrations it has."""

    def __init__(self, sharing: Sharing) -> None:
        self.sharing = sharing

    async def ask(self, request: Request, context: Context, question: Question) -> tuple[list[Told], Warnings]:
        """Raises LoopDetected."""
        origin = self.sharing.origin(request)
        groups = _by_broker(
            known.registration
            for known in self.sharing.sources(request, question.spec, context)
            if known.registration.supports(question.operation)
        )
        asks = [(group, *await self.sharing.names_for(request, group[0], context)) for group in groups]
        calls = [_call(group[0], question, own, url) for group, own, url in asks]
        told: list[Told] = []
        warnings: Warnings = []
        for (group, own, _), reply in zip(asks, await self.sharing.ask(calls, origin), strict=True):
            if reply.ok and reply.body is not None:
                told.append(Told(group, reply.body, own))
            elif reply.status != 404:
                warnings.append((group[0], _why(reply)))
        return told, warnings


def read_all(told: list[Told], warnings: Warnings, read: Any) -> list[Any]:
    """`read` of each answer; one that cannot be read becomes a warning."""
    out = []
    for one in told:
        try:
            out.append(read(one))
        except MadangError as error:
            warnings.append((one.registrations[0], error.detail))
    return out


def _why(reply: Reply) -> str:
    return reply.why or f"answered {reply.status}"


def _by_broker(registrations: Iterable[Registration]) -> list[tuple[Registration, ...]]:
    groups: dict[Any, list[Registration]] = {}
    for one in registrations:
        groups.setdefault(partner(one), []).append(one)
    return [tuple(group) for group in groups.values()]


def _call(registration: Registration, question: Question, own: Context, url: str | None) -> Call:
    name = quote(own.compact(question.name), safe=":") if question.name else ""
    given = parameters(registration, details="true" if question.details else "")
    return Call(registration, "GET", question.path.format(name=name), given, None, url)
