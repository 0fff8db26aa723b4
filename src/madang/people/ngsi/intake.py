"""What other brokers tell of the subscriptions that we made there (clauses 5.8.6, 6.3.6), on its way to the subscribers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from madang.base.clock import SystemClock, to_iso
from madang.base.errors import BadRequest, NotFound
from madang.base.limits import NOTIFY_BODY_MAX_ENTITIES
from madang.context.notices import Notices
from madang.context.row import Row
from madang.context.subscriptions import Subscriptions
from madang.federation.asked import admitted
from madang.federation.federation import Federation
from madang.model.assembly import received
from madang.model.context import Context
from madang.model.kinds import PREVIOUS
from madang.model.registration import Registration
from madang.model.subscription import Subscription, parse_subscription
from madang.people.http import Request, Response
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.entities import NO_CONTENT
from madang.people.ngsi.parameters import read_payload

_OF_CHANGES = frozenset({"deletedAt", *PREVIOUS.values()})


class Intake:
    """The door of one tenant. A token in the path, which only the source was told, opens it for one subscription."""

    def __init__(self, broker: Broker, subscriptions: Subscriptions, federation: Federation) -> None:
        self._broker, self._subscriptions, self._federation = broker, subscriptions, federation
        self._notices = Notices(broker.store)

    async def take(self, request: Request) -> Response:
        """What was told is on disk when it is answered. Raises NotFound, BadRequest, Unavailable."""
        identifier, source = await self._federation.at_sources.behind(request.parts[1])
        known = self._federation.index.get(source)
        if known is None:
            raise NotFound("nothing is told here")
        data, context = await read_payload(request, self._broker.contexts)
        items = data.get("data") if isinstance(data, dict) else None
        if not isinstance(items, list) or len(items) > NOTIFY_BODY_MAX_ENTITIES:
            raise BadRequest(f"a notification has data: a list of at most {NOTIFY_BODY_MAX_ENTITIES} entities")
        subscription = await self._subscription(identifier)
        told = [one for item in items for one in await self._told(item, context, known.registration, subscription)]
        if told:
            await self._federation.at_sources.keep(identifier, told)
        return NO_CONTENT

    async def _subscription(self, identifier: str) -> Subscription:
        record = await self._subscriptions.get(identifier)
        contexts, said = self._broker.contexts, record["body"]
        subscription = parse_subscription(said | {"id": identifier}, await contexts.get(record["context"]))
        told = await contexts.get(said.get("jsonldContext") or record["context"])
        return replace(subscription, form=replace(subscription.form, context=told))

    async def _told(
        self, item: Any, context: Context, registration: Registration, subscription: Subscription
    ) -> list[tuple[str, Any]]:
        """`(entity id, data)` of one entity as the subscriber wants it, or nothing."""
        if not isinstance(item, dict):
            raise BadRequest("data: each entity is an object")
        own = await self._broker.contexts.get(item["@context"]) if "@context" in item else context
        now = to_iso(SystemClock().now())
        entity, stamps = received(item, own, now, _OF_CHANGES)
        gone = item.get("deletedAt")
        kept = admitted(entity, registration, subscription, gone=gone is not None)
        if kept is None:
            return []
        shown = await self._notices.shown(Row(kept, stamps, 0), subscription)
        data = [one | {"deletedAt": gone} for one in shown] if gone is not None else shown
        return [(entity.id, data)] if data else []
