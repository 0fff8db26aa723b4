"""Every NGSI-LD call that PyPI's `filip` has, against a running city. Run by an interpreter that has it: HOST PORT."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from filip.clients.ngsi_ld.cb import ContextBrokerLDClient
from filip.models.base import FiwareLDHeader
from filip.models.ngsi_ld.base import GeoQuery
from filip.models.ngsi_ld.context import ActionTypeLD, ContextLDEntity, NamedContextProperty
from filip.models.ngsi_ld.subscriptions import SubscriptionLD

SUBSCRIPTION = {
    "id": "urn:ngsi-ld:Subscription:f1", "type": "Subscription", "entities": [{"type": "Room"}],
    "notification": {"endpoint": {"uri": "http://127.0.0.1:9/nobody", "accept": "application/json"}},
}  # fmt: skip


def room(number: int, warmth: float) -> ContextLDEntity:
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [2.35, 48.85]}}
    temperature = {"type": "Property", "value": warmth, "unitCode": "CEL"}
    return ContextLDEntity(id=f"urn:ngsi-ld:Room:f{number}", type="Room", temperature=temperature, location=place)


def calls(client: Any) -> list[tuple[str, Callable[[], Any]]]:
    one, two, three = room(1, 20), room(2, 22), room(3, 24)
    near = GeoQuery(geometry="Point", coordinates=[2.35, 48.85], georel="near;maxDistance==900")
    more = NamedContextProperty(name="humidity", type="Property", value=0.5)
    batch, subscription = client.entity_batch_operation, SubscriptionLD(**SUBSCRIPTION)
    return [
        ("get_version", lambda: bool(client.get_version())),
        ("post_entity", lambda: "f1" in client.post_entity(one)),
        ("post_entity append", lambda: client.post_entity(one, append=True) or True),
        ("post_entity update", lambda: client.post_entity(one, update=True) or True),
        ("get_entity", lambda: client.get_entity(one.id).id == one.id),
        ("get_entity keyValues", lambda: client.get_entity(one.id, options="keyValues").id == one.id),
        ("batch create", lambda: batch(entities=[two, three], action_type=ActionTypeLD.CREATE) is None),
        ("batch upsert", lambda: batch(entities=[two, room(4, 1)], action_type=ActionTypeLD.UPSERT, options="update") is None),
        ("batch update", lambda: batch(entities=[two], action_type=ActionTypeLD.UPDATE) is None),
        ("batch delete", lambda: batch(entities=[room(4, 1)], action_type=ActionTypeLD.DELETE) is None),
        ("get_entity_list", lambda: len(client.get_entity_list(entity_type="Room", q="temperature>10")) == 3),
        ("get_entity_list keyValues", lambda: len(client.get_entity_list(entity_type="Room", options="keyValues")) == 3),
        ("get_entity_list by area", lambda: len(client.get_entity_list(
            entity_type="Room", geometry=near.geometry, coordinates=json.dumps(near.coordinates), georel=near.georel)) == 3),
        ("append_entity_attributes", lambda: client.append_entity_attributes(room(1, 21)) is None),
        ("replace_existing_attributes_of_entity", lambda: client.replace_existing_attributes_of_entity(room(1, 21)) is None),
        ("override_entities", lambda: client.override_entities([room(1, 23)]) is None),
        ("update_entity_attribute", lambda: client.update_entity_attribute(
            one.id, attr=NamedContextProperty(name="temperature", type="Property", value=25), attr_name="temperature") is None),
        ("append of one more", lambda: client.append_entity_attributes(
            ContextLDEntity(id=one.id, type="Room", humidity=more.model_dump(exclude={"name"}, exclude_none=True))) is None),
        ("delete_attribute", lambda: client.delete_attribute(one.id, "humidity") is None),
        ("post_subscription", lambda: "f1" in client.post_subscription(subscription)),
        ("get_subscription_list", lambda: len(client.get_subscription_list()) == 1),
        ("get_subscription", lambda: client.get_subscription(subscription.id).id == subscription.id),
        ("update_subscription", lambda: client.update_subscription(subscription) is None),
        ("delete_subscription", lambda: client.delete_subscription(subscription.id) is None),
        ("delete_entity_by_id", lambda: client.delete_entity_by_id(one.id) is None),
        ("get_statistics (Orion's own)", lambda: bool(client.get_statistics())),
    ]  # fmt: skip


def main() -> None:
    header = FiwareLDHeader(ngsild_tenant="filip")
    client = ContextBrokerLDClient(url=f"http://{sys.argv[1]}:{sys.argv[2]}", fiware_header=header)
    told = {}
    for name, call in calls(client):
        try:
            told[name] = "ok" if call() else "answered otherwise"
        except Exception as error:
            told[name] = f"{type(error).__name__}: {error}"[:200]
    print(json.dumps(told))


if __name__ == "__main__":
    main()
