"""What other brokers say of the past (clauses 5.7.3, 5.7.4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from madang.base.clock import SystemClock, to_iso
from madang.base.errors import MadangError
from madang.base.limits import PEER_IDS_AT_ONCE
from madang.federation.matching import TEMPORAL, in_past, interval_of
from madang.federation.peers import Call, Reply
from madang.history.elsewhere import Part, received
from madang.history.window import Window
from madang.model.assembly import RANKS
from madang.model.context import Context
from madang.model.registration import Registration
from madang.model.sources import Spec, joined, narrowed
from madang.people.http import Request
from madang.people.ngsi.parameters import Given
from madang.people.ngsi.sharing import Sharing, Warnings, parameters

_PASSED = ("q", "scopeQ", "georel", "geometry", "coordinates", "geoproperty", "expandValues")
_TEMPORAL = (*TEMPORAL, "lastN")


@dataclass(frozen=True)
class PastQuestion:
    """`specs`: which entities; `one`: of a single one, by its id. `asked` is the temporal query."""

    specs: tuple[Spec, ...]
    window: Window
    asked: Given
    given: Given
    limit: int = 1
    one: bool = False


@dataclass(frozen=True)
class _Ask:
    call: Call
    context: Context
    names: tuple[str, ...]


class SharedPast:
    """Asks the sources whose intervals the question touches. Aggregates and pages are made of what they say, here."""

    def __init__(self, sharing: Sharing) -> None:
        self.sharing = sharing

    async def ask(self, request: Request, context: Context, question: PastQuestion) -> tuple[list[Part], Warnings]:
        """Raises LoopDetected."""
        origin = self.sharing.origin(request)
        asks = [one async for one in self._asks(request, context, question)]
        replies = await self.sharing.ask([one.call for one in asks], origin)
        parts: list[Part] = []
        warnings: Warnings = []
        for one, reply in zip(asks, replies, strict=True):
            if reply.status == 404:
                continue
            if reply.status == 206:
                warnings.append((one.call.registration, "told only a part of it"))
            try:
                parts += await self._read(one, reply, question.window)
            except MadangError as error:
                warnings.append((one.call.registration, error.detail))
            except RecursionError:
                warnings.append((one.call.registration, "the answer is nested too deeply"))
        return parts, warnings

    async def _asks(self, request: Request, context: Context, question: PastQuestion) -> Any:
        interval = interval_of({name: str(question.asked[name]) for name in TEMPORAL if name in question.asked})
        meant = partial(in_past, interval=interval)
        parts = [
            (known.registration, part)
            for spec in question.specs
            for known in self.sharing.sources(request, spec, context, question.given, meant)
            for part in narrowed(known.registration, spec)
        ]
        for registration, part in joined(parts, PEER_IDS_AT_ONCE):
            own, url = await self.sharing.names_for(request, registration, context)
            call = _call(registration, part, own, url, question, passed=own is context)
            if call is not None:
                yield _Ask(call, own, part.names)

    async def _read(self, one: _Ask, reply: Reply, window: Window) -> Iterable[Part]:
        """Raises MadangError."""
        if not reply.ok or reply.body is None:
            raise MadangError(reply.why or f"answered {reply.status}")
        now, parts = to_iso(SystemClock().now()), []
        for item in reply.body if isinstance(reply.body, list) else [reply.body]:
            brought = isinstance(item, dict) and "@context" in item
            context = await self.sharing.broker.contexts.get(item["@context"]) if brought else one.context
            found = received(item, context, window, one.names, now)
            parts.append(Part(found, RANKS[one.call.registration.mode]))
        return parts


def _call(
    registration: Registration, part: Spec, own: Context, url: str | None, question: PastQuestion, *, passed: bool
) -> Call | None:
    """By the first operation that the source supports; None when it supports none."""
    when = {name: question.asked[name] for name in _TEMPORAL if name in question.asked}
    names = {"attrs": ",".join(own.compact(name) for name in part.names), "options": "sysAttrs"}
    if question.one and registration.supports("retrieveTemporal"):
        path = f"temporal/entities/{quote(part.ids[0], safe=':')}"
        return Call(registration, "GET", path, parameters(registration, **when, **names), None, url)
    if not registration.supports("queryTemporal") or "timerel" not in when:
        return None
    said = {name: question.given[name] for name in _PASSED if question.given.get(name) and passed}
    entities = {"type": ",".join(own.compact(name) for name in part.types), "id": ",".join(part.ids)}
    given = {
        **when,
        **names,
        **entities,
        **said,
        "idPattern": part.id_pattern,
        "limit": max(question.limit, len(part.ids)),
    }
    return Call(registration, "GET", "temporal/entities", parameters(registration, **given), None, url)
