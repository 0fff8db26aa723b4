"""A real house that is subscribed at another broker, its own second tenant, whose couriers are killed (clause 5.8.1.4)."""

from __future__ import annotations

from typing import Any

import httpx

from tests.flow.conftest import House
from tests.listening import Listener
from tests.waiting import until

THERE = {"NGSILD-Tenant": "port"}


async def test_what_another_broker_holds_is_told_over_a_death_of_the_courier(house: House, listener: Listener) -> None:
    async with httpx.AsyncClient(base_url=f"{house.url}ngsi-ld/v1/", trust_env=False, timeout=20) as client:

        async def there() -> list[Any]:
            answer = await client.get("subscriptions", headers=THERE)
            return list(answer.json()) if answer.status_code == 200 else []

        async def none_there() -> bool:
            return not await there()

        registration = {
            "id": "urn:x:r",
            "type": "ContextSourceRegistration",
            "information": [{"entities": [{"type": "Ship"}]}],
            "endpoint": house.url,
            "tenant": "port",
        }
        (await client.post("csourceRegistrations", json=registration)).raise_for_status()
        notification = {"format": "keyValues", "endpoint": {"uri": listener.url}}
        body = {"id": "urn:x:s", "type": "Subscription", "entities": [{"type": "Ship"}], "notification": notification}
        (await client.post("subscriptions", json=body)).raise_for_status()
        (subscription,) = await until(there, "the source is subscribed at")
        await house.restored("courier", house.kill("courier"))
        ship = {"id": "urn:x:ship", "type": "Ship", "speed": 5}
        (await client.post("entities?local=true", json=ship, headers=THERE)).raise_for_status()
        await until(lambda: listener.shown, "the subscriber hears of the ship")
        assert listener.shown[0] == ship
        assert [one["id"] for one in await there()] == [subscription["id"]]
        (await client.delete("subscriptions/urn:x:s")).raise_for_status()
        await until(none_there, "it ends at the source")
        (await client.delete("csourceRegistrations/urn:x:r")).raise_for_status()
