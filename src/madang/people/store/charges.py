"""`/madang/v1/charges`: an app asks a customer to pay for what somebody does for them. Who opens the address and pays is the customer; the
app learns that it was paid, and nothing of whom by."""

from __future__ import annotations

import msgspec

from madang.base.errors import BadRequest, Forbidden, InvalidRequest, NotFound
from madang.people.acts import acted
from madang.people.http import Handler, Request, Response
from madang.store.house import StoreHouse
from madang.store.money.amounts import to_minor
from madang.store.money.orders import Asked, Order
from madang.trust.audit.recorder import Recorder

_JSON = frozenset({"application/json"})
_TITLE_MAX_CHARS = 200


class Charging(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`title` by language, `amount` as decimal text; `payee`: the publisher id of whoever serves the customer."""

    title: dict[str, str]
    amount: str
    payee: str
    currency: str = "KRW"


class ChargeDoor:
    """Handlers of the charges. For apps that came from the store."""

    def __init__(self, store: StoreHouse | None, recorder: Recorder) -> None:
        self._house, self._recorder = store, recorder
        self.table: dict[str, dict[str, Handler]] = {
            "charges": {"POST": self._make},
            "charges/*": {"GET": self._look},
        }

    def _store(self, request: Request) -> StoreHouse:
        request.caller.require("write", "charges")
        if self._house is None:
            raise NotFound("this city has no store")
        if request.caller.principal.kind != "app":
            raise BadRequest("charges are made by apps")
        return self._house

    async def _make(self, request: Request) -> Response:
        """Raises BadRequest for a payee that nobody registered, Forbidden for an app that is not from the store."""
        store, app = self._store(request), request.caller.principal.id
        try:
            asked = msgspec.convert(await request.json(_JSON), Charging)
        except msgspec.ValidationError as error:
            raise InvalidRequest(f"a charge: {error}") from None
        if not {"ko", "en"} <= asked.title.keys() or any(
            not 1 <= len(text) <= _TITLE_MAX_CHARS for text in asked.title.values()
        ):
            raise BadRequest(f"a title in ko and en, of at most {_TITLE_MAX_CHARS} characters")
        release = await store.releases.latest(app)
        if release is None:
            raise Forbidden("only an app that is in the store charges anybody")
        payee = await store.publishers.get(asked.payee)
        order = Asked(
            "charge", "", f"app:{app}", app, release.version, release.publisher, asked.title, asked.currency,
            to_minor(asked.amount, asked.currency), payee=f"publisher:{payee.id}",
        )  # fmt: skip
        made = await acted(self._recorder, request.caller.name, "store.charge", payee.id, store.orders.add(order))
        return Response.json(_told(made), 201)

    async def _look(self, request: Request) -> Response:
        store = self._store(request)
        order = await store.orders.get(request.parts[1])
        if order.kind != "charge" or order.app != request.caller.principal.id:
            raise NotFound("no such charge")
        return Response.json(_told(order))


def _told(order: Order) -> dict[str, str]:
    return {"id": order.id, "address": f"/store/orders/{order.id}", "state": order.state}
