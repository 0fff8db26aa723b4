"""/subscriptions and /csourceSubscriptions (clauses 6.10 to 6.13)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from madang.base.clock import to_iso
from madang.base.errors import BadRequest
from madang.context.periodic import query_of
from madang.context.subscriptions import Subscriptions, describe
from madang.engine.sealing import hide_body
from madang.federation.source_subscription import check_source_subscription
from madang.model.context import Context
from madang.model.kinds import NULL, check_id, check_time
from madang.model.subscription import Subscription, parse_subscription, renamed, text
from madang.people.conditional import is_conditional, seen_in, tagged, version_of
from madang.people.http import Request, Response
from madang.people.ngsi.asked import made, page_links
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.contexts import address_of
from madang.people.ngsi.entities import NO_CONTENT
from madang.people.ngsi.parameters import LD, accepted_json, answer, link_context, read_payload
from madang.people.ngsi.queries import paging
from madang.people.ngsi.sharing import is_shared, origin_of
from madang.trust.policy.makers import maker_of


@dataclass(frozen=True)
class Kind:
    """What a subscription of this resource is; `names_context`: the context it has by default is told as its own. `pages`
    is the media type of links to pages, None for that of the answer."""

    path: str
    parse: Callable[[Any, Context], Subscription]
    names_context: bool
    pages: str | None


OF_ENTITIES = Kind("subscriptions", parse_subscription, True, None)
OF_SOURCES = Kind("csourceSubscriptions", check_source_subscription, False, LD)
_NOTHING = (None, NULL)


class SubscriptionResources:
    """Handlers of the subscription resources. Only people with the right to write may have the city call out."""

    def __init__(self, broker: Broker, subscriptions: Subscriptions, kind: Kind) -> None:
        self._broker, self._subscriptions, self._kind = broker, subscriptions, kind

    async def create(self, request: Request) -> Response:
        request.caller.require("write", "subscriptions")
        origin = origin_of(request, self._broker.alias)
        data, context = await read_payload(request, self._broker.contexts)
        subscription = self._kind.parse(data, context)
        self._may_hear(request, subscription)
        await self._check(data)
        body = {name: value for name, value in data.items() if name != "@context"} | {"id": subscription.id}
        address, context = await self._addressed(request, context)
        if self._kind.names_context:
            body.setdefault("jsonldContext", address)
        local = not is_shared(request)
        maker = maker_of(request.caller)
        await self._subscriptions.create(subscription, body, context, maker, local=local, via=origin.via)
        return made(self._kind.path, subscription.id)

    async def page(self, request: Request) -> Response:
        request.caller.require("read", "subscriptions")
        accepted_json(request)
        context = await self._broker.contexts.get(link_context(request))
        limit, offset, count = paging(request.query)
        records = await self._subscriptions.page(limit + 1, offset)
        response = answer(request, [await self._shown(request, record, context) for record in records[:limit]], context)
        response.headers += page_links(
            self._kind.path,
            request.raw_query,
            limit,
            offset,
            len(records) > limit,
            self._kind.pages or accepted_json(request),
        )
        if count:
            response.headers.append((b"ngsild-results-count", str(await self._subscriptions.count()).encode()))
        return response

    async def get(self, request: Request) -> Response:
        request.caller.require("read", "subscriptions")
        accepted_json(request)
        context = await self._broker.contexts.get(link_context(request))
        record = await self._subscriptions.get(check_id(request.parts[1]))
        response = answer(request, await self._shown(request, record, context), context)
        return tagged(request, response, version_of(record["modified_at"]))

    async def _shown(self, request: Request, record: Any, context: Context) -> dict[str, Any]:
        """With the names that the asker's context has for what the subscriber's meant, and secrets for who may change it alone."""
        own = await self._broker.contexts.get(record["context"])
        shown = renamed(describe(record), lambda name: context.compact(own.expand(name)))
        return shown if request.caller.may("write", "subscriptions") else hide_body(shown)

    async def update(self, request: Request) -> Response:
        request.caller.require("write", "subscriptions")
        identifier = check_id(request.parts[1])
        data, context = await read_payload(request, self._broker.contexts)
        if not isinstance(data, dict):
            raise BadRequest("a subscription fragment is a JSON object")
        old = await self._subscriptions.get(identifier)
        seen = seen_in(request, old["modified_at"])
        merged = _patched(old["body"], data) | {"id": identifier}
        if not link_context(request) and "@context" not in data:
            context = await self._broker.contexts.get(old["context"])
        self._may_hear(request, self._kind.parse(merged, context))
        await self._check(data)
        _, context = await self._addressed(request, context)
        await self._subscriptions.replace(identifier, merged, context, maker_of(request.caller), seen)
        return NO_CONTENT

    def _may_hear(self, request: Request, subscription: Subscription) -> None:
        """Raises Forbidden for what its maker may not ask: notifications would tell."""
        if self._kind is OF_ENTITIES:
            query = replace(query_of(subscription), attrs=tuple(sorted(subscription.watched)))
            self._broker.restrict(request.caller, query)

    async def _addressed(self, request: Request, context: Context) -> tuple[str, Context]:
        """The context where others find it too: notifications will name it."""
        address = await address_of(request, self._broker, context)
        return address, context if context.source is None else await self._broker.contexts.get(address)

    async def _check(self, data: dict[str, Any]) -> None:
        """What only the present moment or another server can tell. Raises BadRequest, ContextUnavailable."""
        if data.get("expiresAt") not in _NOTHING and check_time(data["expiresAt"], "expiresAt") <= to_iso(
            self._broker.writer.clock.now()
        ):
            raise BadRequest("expiresAt is over already")
        if data.get("jsonldContext") not in _NOTHING:
            await self._broker.contexts.get(text(data["jsonldContext"], "jsonldContext"))

    async def delete(self, request: Request) -> Response:
        request.caller.require("write", "subscriptions")
        identifier = check_id(request.parts[1])
        seen = None
        if is_conditional(request):
            seen = seen_in(request, (await self._subscriptions.get(identifier))["modified_at"])
        await self._subscriptions.delete(identifier, seen)
        return NO_CONTENT


def _patched(old: dict[str, Any], fragment: dict[str, Any]) -> dict[str, Any]:
    """The subscription after a fragment (clause 5.8.2): members replace those of the same name, null takes them away."""
    said = {name: value for name, value in fragment.items() if name != "@context"}
    return {name: value for name, value in {**old, **said}.items() if value not in _NOTHING}
