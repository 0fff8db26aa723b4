"""What the store's doors share: customers that somebody may act for, whole numbers of forms, acts on record."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from madang.base.errors import BadRequest, Forbidden
from madang.people.acts import acted
from madang.people.identity.doors import Door
from madang.people.identity.visit import Browsers, Visit
from madang.store.house import StoreHouse
from madang.store.money.orders import Order
from madang.trust.identity.house import Identity

T = TypeVar("T")


class StoreDoor(Door):
    """`store`: the city's."""

    def __init__(self, identity: Identity, browsers: Browsers, store: StoreHouse) -> None:
        super().__init__(identity, browsers)
        self.store = store

    def customers(self, visit: Visit) -> dict[str, str]:
        """For whom a visitor may act, with a kind that has words: themselves, their department, the city. Raises Unauthorized."""
        person, _ = visit.who()
        caller = self.browsers.gate.known_as(visit.claim())
        found = {f"person:{person.id}": "me"}
        if "department" in visit.roles and person.department:
            found[f"department:{person.department}"] = "department"
        if caller.may("manage", "apps"):
            found[self.store.city] = "city"
        return found

    def customer(self, visit: Visit, wanted: str) -> str:
        """The one a form names; oneself without a name. Raises Forbidden for one that the visitor does not act for."""
        allowed = self.customers(visit)
        if wanted and wanted not in allowed:
            raise Forbidden("you do not act for them", reason="customer_other")
        return wanted or next(iter(allowed))

    async def order(self, visit: Visit, identifier: str) -> Order:
        """One of the visitor's. Raises NotFound, Forbidden."""
        order = await self.store.orders.get(identifier)
        if order.customer not in self.customers(visit):
            raise Forbidden("this order is not yours", reason="customer_other")
        return order

    async def recorded(self, visit: Visit, what: str, whom: str, act: Coroutine[Any, Any, T]) -> T:
        """An act of the visitor's, on the audit log. Raises what the act raises."""
        person, _ = visit.who()
        return await acted(self.identity.recorder, f"person:{person.id}", what, whom, act)


def whole(text: str, least: int, most: int, name: str) -> int:
    """Raises BadRequest."""
    if not text.isascii() or not text.isdigit() or len(text) > 18 or not least <= int(text) <= most:
        raise BadRequest(f"{name}: a whole number from {least} to {most}", reason="number_form", least=least, most=most)
    return int(text)
