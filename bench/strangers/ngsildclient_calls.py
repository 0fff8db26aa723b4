"""Every NGSI-LD call that PyPI's `ngsildclient` has, against a running city. Run by an interpreter that has it: HOST PORT."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from typing import Any

from ngsildclient import Client, Entity
from ngsildclient.api.helper.temporal import TemporalQuery

SUBSCRIPTION = {
    "@context": "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.8.jsonld",
    "type": "Subscription", "description": "a stranger's", "entities": [{"type": "Room"}],
    "notification": {"endpoint": {"uri": "http://127.0.0.1:9/nobody", "accept": "application/json"}},
}  # fmt: skip
NEAR = "georel=near;maxDistance==900&geometry=Point&coordinates=[2.35,48.85]"
SINCE = TemporalQuery().after("2026-01-01T00:00:00Z")
CONTEXT = {"@context": {"warmth": "https://example.org/warmth"}}


def room(number: int, warmth: float) -> Entity:
    entity = Entity("Room", f"n{number}")
    entity.prop("temperature", warmth, observedat="2026-11-22T10:00:00Z")
    entity.loc((48.85, 2.35))
    return entity


def calls(client: Any) -> list[tuple[str, Callable[[], Any]]]:
    one, two, three = room(1, 20), room(2, 22), room(3, 24)
    kept: dict[str, str] = {}
    subscriptions, contexts, temporal = client.subscriptions, client.contexts, client.temporal
    return [
        ("is_connected", client.is_connected),
        ("create", lambda: client.create(one)),
        ("create of two", lambda: client.create(two, three)),
        ("exists", lambda: client.exists(one)),
        ("get", lambda: client.get(one).id == one.id),
        ("upsert", lambda: client.upsert(room(1, 21))),
        ("upsert of two", lambda: client.upsert(room(2, 23), room(4, 25))),
        ("update", lambda: client.update(room(1, 19))),
        ("update of two", lambda: client.update(room(1, 18), room(2, 18))),
        ("query", lambda: len(client.query(type="Room", q="temperature>10")) == 4),
        ("query by area", lambda: len(client.query(type="Room", gq=NEAR)) == 4),
        ("query_head", lambda: len(client.query_head(type="Room", n=2)) == 2),
        ("query_generator", lambda: len(list(client.query_generator(type="Room"))) == 4),
        ("count", lambda: client.count(type="Room") == 4),
        ("types.list", lambda: "Room" in str(client.types.list())),
        ("entities.query", lambda: len(client.entities._query(type="Room")) == 4),
        ("temporal.get", lambda: bool(temporal.get(one))),
        ("temporal.query", lambda: bool(temporal.query(type="Room", tq=SINCE))),
        ("temporal.aggregate", lambda: bool(temporal.aggregate(type="Room", attrs=["temperature"], tq=SINCE))),
        ("contexts.add", lambda: contexts.add(CONTEXT) is None),
        ("contexts.list", lambda: bool(kept.setdefault("context", contexts.list()[0].rsplit("/", 1)[-1]))),
        ("contexts.exists", lambda: contexts.exists(kept["context"])),
        ("contexts.get", lambda: bool(contexts.get(kept["context"]))),
        ("contexts.delete", lambda: contexts.delete(kept["context"]) is not False),
        ("subscriptions.create", lambda: bool(kept.setdefault("subscription", subscriptions.create(SUBSCRIPTION)))),
        ("subscriptions.list", lambda: len(subscriptions.list()) == 1),
        ("subscriptions.get", lambda: bool(subscriptions.get(kept["subscription"]))),
        ("subscriptions.exists", lambda: subscriptions.exists(kept["subscription"])),
        ("subscriptions.delete", lambda: subscriptions.delete("stranger") is not False and subscriptions.list() == []),
        ("delete", lambda: client.delete(one)),
        ("delete_where", lambda: client.delete_where(type="Room", q="temperature<20") is not False),
        ("drop", lambda: client.drop("Room") is not False and client.count(type="Room") == 0),
        ("guess_vendor", lambda: bool(client.guess_vendor())),
    ]  # fmt: skip


def main() -> None:
    client = Client(sys.argv[1], int(sys.argv[2]), verbose=False)
    logging.disable()
    told = {}
    for name, call in calls(client):
        try:
            told[name] = "ok" if call() else "answered otherwise"
        except Exception as error:
            told[name] = f"{type(error).__name__}: {error}"[:200]
    print(json.dumps(told))


if __name__ == "__main__":
    main()
