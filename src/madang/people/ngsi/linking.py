"""Linked entities as a caller may see them."""

from __future__ import annotations

from madang.context.linking import Linking
from madang.context.row import Row
from madang.model.linked import Join
from madang.people.ngsi.broker import Broker
from madang.trust.caller import Caller


def linking_for(broker: Broker, caller: Caller, join: Join) -> Linking:
    """Nothing is shown that the caller may not see."""

    async def fetch(ids: list[str]) -> list[Row]:
        rows = await broker.store.list_by_id(ids)
        return rows if caller.everything else [row for row in rows if caller.reads.sees(row.entity)]

    return Linking(fetch, join, lambda entity, form: broker.cut(caller, entity, form))
