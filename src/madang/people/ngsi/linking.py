"""Linked entities as a caller may see them."""

from __future__ import annotations

from madang.base.errors import NotFound
from madang.context.linking import Linking
from madang.context.row import Row
from madang.model.linked import Join
from madang.model.render import Form
from madang.people.ngsi.broker import Broker
from madang.trust.caller import Caller


def linking_for(broker: Broker, caller: Caller, join: Join) -> Linking:
    """Nothing is shown that the caller may not see."""

    async def fetch(ids: list[str]) -> list[Row]:
        return [row for row in await broker.store.list_by_id(ids) if _seen(broker, caller, row)]

    return Linking(fetch, join, lambda entity, form: broker.cut(caller, entity.types, form))


def _seen(broker: Broker, caller: Caller, row: Row) -> bool:
    try:
        broker.visible(caller, row, Form())
    except NotFound:
        return False
    return True
