"""/info/sourceIdentity (clause 6.33)."""

from __future__ import annotations

from madang.base.clock import SystemClock, monotonic_s, to_iso
from madang.people.http import Request, Response
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.parameters import accepted_json, answer, link_context


class Identity:
    """Who this broker is to other brokers."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._begun_s = monotonic_s()

    async def get(self, request: Request) -> Response:
        accepted_json(request)
        context = await self._broker.contexts.get(link_context(request))
        shown = {
            "id": f"urn:ngsi-ld:ContextSourceIdentity:{self._broker.alias}",
            "type": "ContextSourceIdentity",
            "contextSourceAlias": self._broker.alias,
            "contextSourceUptime": f"PT{int(monotonic_s() - self._begun_s)}S",
            "contextSourceTimeAt": to_iso(SystemClock().now()),
        }
        return answer(request, shown, context)
