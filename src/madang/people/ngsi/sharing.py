"""What distributed reads and writes have in common: which sources, in which names, and what went wrong (clause 6.3.17)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from madang.base.clock import SystemClock, to_iso
from madang.base.errors import LoopDetected, MadangError
from madang.base.limits import PEER_REQUESTS_MAX
from madang.federation.federation import Federation
from madang.federation.index import Known
from madang.federation.peers import Call, Origin, Reply, aliases
from madang.model.assembly import RANKS, Piece, limited, received
from madang.model.context import Context
from madang.model.evaluate import satisfies
from madang.model.query import parse_query
from madang.model.registration import Registration
from madang.model.sources import Spec
from madang.people.http import Request, Response
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.contexts import address_of
from madang.people.ngsi.parameters import Given
from madang.people.ngsi.queries import flag

Parameters = tuple[tuple[str, str], ...]
Warnings = list[tuple[Registration, str]]
"""What went wrong with which source."""


def is_shared(request: Request) -> bool:
    """Whether others are asked too. For a caller with a narrowed sight only where what they tell is judged as what is here: in
    reads of the present, and not for apps, whose grants are about this broker alone. Raises BadRequest."""
    if flag(request.query, "local"):
        return False
    sight = request.caller.sight(action_of(request))
    return sight.whole or (not sight.blind and request.caller.principal.kind != "app" and _is_judged(request))


def _is_judged(request: Request) -> bool:
    parts = request.parts
    if request.method == "POST":
        return parts == ["entityOperations", "query"]
    return request.method in ("GET", "HEAD") and parts[0] == "entities" and len(parts) <= 2


def action_of(request: Request) -> str:
    """What the policies call what it does with entities."""
    asks = request.method in ("GET", "HEAD") or request.parts[-1:] in (["query"], ["entityMaps"], ["subscriptions"])
    return "write" if not asks else "history" if request.parts[:1] == ["temporal"] else "read"


def is_of_the_present(known: Known) -> bool:
    """Whether the source tells what is true now (clause 5.2.9, the intervals)."""
    return not known.registration.is_temporal


class Sharing:
    """The sources of one broker, as its handlers ask them."""

    def __init__(self, broker: Broker, federation: Federation) -> None:
        self.broker, self.federation = broker, federation

    def origin(self, request: Request) -> Origin:
        """As `origin_of`."""
        return origin_of(request, self.broker.alias)

    def sources(
        self,
        request: Request,
        spec: Spec,
        context: Context,
        given: Given | None = None,
        meant: Callable[[Known], bool] = is_of_the_present,
    ) -> list[Known]:
        """The registrations that match, are `meant` and satisfy `csf`, but for brokers that the request came through. `given`
        are the parameters where they are not those of the URL. Raises BadRequest."""
        passed = {*aliases(request.header(b"via")), self.broker.alias}
        filter_text = (request.query if given is None else given).get("csf")
        node = parse_query(filter_text, context) if filter_text else None
        return [
            known
            for known in self.federation.find(spec)
            if meant(known)
            and known.registration.alias not in passed
            and (node is None or satisfies(known.properties, node))
        ]

    async def names_for(
        self, request: Request, registration: Registration, context: Context
    ) -> tuple[Context, str | None]:
        """The context that a source is spoken to in, and its URL (clause 4.3.6.6, jsonldContext)."""
        if registration.context_url is not None:
            return await self.broker.contexts.get(registration.context_url), registration.context_url
        return context, None if context.source is None else await address_of(request, self.broker, context)

    async def ask(self, calls: list[Call], origin: Origin) -> list[Reply]:
        """What is over the limit is not asked, and told so."""
        replies = await self.federation.peers.ask_all(calls[:PEER_REQUESTS_MAX], origin)
        return replies + [Reply(503, why="too many sources for one request")] * (len(calls) - len(replies))

    async def pieces(self, call: Call, reply: Reply, context: Context, names: Iterable[str]) -> list[Piece]:
        """The entities of an answer. Raises MadangError for one that is none."""
        if reply.body is None:
            raise MadangError(reply.why or "an empty answer")
        now, out = to_iso(SystemClock().now()), []
        for item in reply.body if isinstance(reply.body, list) else [reply.body]:
            brought = isinstance(item, dict) and "@context" in item
            own = await self.broker.contexts.get(item["@context"]) if brought else context
            entity, stamps = received(item, own, now)
            out.append(Piece(limited(entity, names), stamps, RANKS[call.registration.mode]))
        return out

    def warn(self, response: Response, warnings: Iterable[tuple[Registration, str]]) -> Response:
        """With an NGSILD-Warning for each source that did not do its part."""
        response.headers += [
            (b"ngsild-warning", f'199 {self.broker.alias} "{one.id}: {why}"'.encode("ascii", "replace"))
            for one, why in warnings
        ]
        return response


def origin_of(request: Request, alias: str) -> Origin:
    """What of a request goes along to sources. Raises LoopDetected when it came through the broker `alias` already (clause
    4.3.6.4)."""
    via = request.header(b"via")
    if alias in aliases(via):
        raise LoopDetected(f"the request came through {alias} already")
    return Origin(alias, via, request.headers)


def parameters(registration: Registration, **given: Any) -> Parameters:
    """Those of `given` that say something; `local` where the source is not to ask others (clause 5.2.34)."""
    local = {"local": "true"} if registration.local_only else {}
    return tuple((name, str(value)) for name, value in {**given, **local}.items() if value)
