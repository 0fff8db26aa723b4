"""/madang/v1/explain: how an entity query would be answered, for who runs the city."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from madang.people.http import Request, Response
from madang.people.ngsi.allowed import check_parameters
from madang.people.ngsi.asked import asked_for_many
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.parameters import link_context


class Explain:
    """The handler; `get` takes the parameters of `GET /ngsi-ld/v1/entities`."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def get(self, request: Request) -> Response:
        """Operators only: a plan tells how much there is of what. Raises Forbidden, BadRequest, InvalidRequest."""
        request.caller.require("read", "explain")
        check_parameters("entities", "GET", request.raw_query)
        context = await self._broker.contexts.get(link_context(request))
        found = await self._broker.store.explain(asked_for_many(request.raw_query, context).query)
        return Response.json(
            {
                "source": found.source,
                "sql": found.sql,
                "rows_estimated": found.plan["Plan Rows"],
                "cost_estimated": found.plan["Total Cost"],
                "indexes": sorted(set(indexes(found.plan))),
                "plan": found.plan,
            }
        )


def indexes(plan: dict[str, Any]) -> Iterator[str]:
    """The indexes that a plan of PostgreSQL reads."""
    if "Index Name" in plan:
        yield plan["Index Name"]
    for inner in plan.get("Plans", []):
        yield from indexes(inner)
