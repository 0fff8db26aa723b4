"""The NGSI-LD resource tree: path segments and method to handler."""

from __future__ import annotations

from madang.context.subscriptions import Subscriptions
from madang.people.http import Handler, Request, Response, nothing_here, pick_method
from madang.people.ngsi.batch import Batches
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.entities import Entities
from madang.people.ngsi.parameters import check_media
from madang.people.ngsi.subscriptions import SubscriptionResources

Table = dict[str, dict[str, Handler]]


class NgsiLd:
    """Everything below `/ngsi-ld/v1`."""

    def __init__(self, broker: Broker, subscriptions: Subscriptions) -> None:
        entities = Entities(broker)
        batches = Batches(broker, entities)
        resources = SubscriptionResources(broker, subscriptions)
        self._table: Table = {
            "entities": {"GET": entities.query, "POST": entities.create},
            "entities/*": {
                "GET": entities.get,
                "PUT": entities.replace,
                "PATCH": entities.merge,
                "DELETE": entities.delete,
            },
            "entities/*/attrs": {"POST": entities.append, "PATCH": entities.update},
            "entities/*/attrs/*": {
                "PATCH": entities.patch_attribute,
                "PUT": entities.put_attribute,
                "DELETE": entities.delete_attribute,
            },
            "entityOperations/create": {"POST": batches.create},
            "entityOperations/upsert": {"POST": batches.upsert},
            "entityOperations/update": {"POST": batches.update},
            "entityOperations/merge": {"POST": batches.merge},
            "entityOperations/delete": {"POST": batches.delete},
            "entityOperations/query": {"POST": batches.query},
            "subscriptions": {"GET": resources.page, "POST": resources.create},
            "subscriptions/*": {"GET": resources.get, "PATCH": resources.update, "DELETE": resources.delete},
        }

    async def handle(self, request: Request) -> Response:
        handlers = self._table.get(_shape(request.parts))
        if handlers is None:
            raise nothing_here(request)
        handler = pick_method(request, **handlers)
        check_media(request)
        return await handler(request)


def _shape(parts: list[str]) -> str:
    if len(parts) == 1 or (parts and parts[0] == "entityOperations"):
        return "/".join(parts)
    return "/".join("*" if index % 2 else part for index, part in enumerate(parts))
