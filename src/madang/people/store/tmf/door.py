"""`/tmf-api`: lists with `fields`, `offset` and `limit`, single resources, and ordering (TM Forum REST design guidelines, part 1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from madang.base.errors import BadRequest, Forbidden, NotFound
from madang.base.limits import STORE_LISTED_MAX, STORE_PAGE
from madang.people.acts import acted
from madang.people.http import Handler, Request, Response, nothing_here, pick_method
from madang.people.store.tmf import shapes
from madang.runtime.soundness import CATEGORIES
from madang.store.catalogue import Entry, Wish
from madang.store.house import StoreHouse
from madang.store.money.invoices import Invoice, invoices_of
from madang.store.money.orders import Order
from madang.store.placing import latest, place
from madang.store.usage import used
from madang.trust.audit.recorder import Recorder

Json = dict[str, Any]
Lister = Callable[[Request], Awaitable[list[Json]]]
_JSON = frozenset({"application/json"})
RESOURCES = (
    ("productCatalogManagement", "category"), ("productCatalogManagement", "productOffering"),
    ("productCatalogManagement", "productOfferingPrice"), ("productCatalogManagement", "productSpecification"),
    ("productOrderingManagement", "productOrder"), ("productInventory", "product"), ("usageManagement", "usage"),
    ("customerBillManagement", "customerBill"), ("customerBillManagement", "appliedCustomerBillingRate"),
)  # fmt: skip


class TmfDoor:
    """A mount of the gateway. What is somebody's, only they see; the catalogue is everybody's."""

    def __init__(self, store: StoreHouse, recorder: Recorder) -> None:
        self._store, self._recorder = store, recorder
        listers: tuple[Lister, ...] = (
            self._categories, self._offerings, self._prices, self._specifications, self._orders, self._products, self._usages,
            self._bills, self._rates,
        )  # fmt: skip
        self._table: dict[str, dict[str, Handler]] = {}
        for (api, name), lister in zip(RESOURCES, listers, strict=True):
            self._table[f"{api}/v4/{name}"] = {"GET": _listing(lister)}
            self._table[f"{api}/v4/{name}/*"] = {"GET": _single(lister)}
        self._table["productOrderingManagement/v4/productOrder"]["POST"] = self._order

    @property
    def routes(self) -> set[tuple[str, str]]:
        """`(shape, method)`; `*` stands for an id."""
        return {(shape, method) for shape, methods in self._table.items() for method in methods}

    async def handle(self, request: Request) -> Response:
        shape = "/".join("*" if index == 3 else part for index, part in enumerate(request.parts))
        handlers = self._table.get(shape)
        if handlers is None:
            raise nothing_here(request)
        return await pick_method(request, handlers)(request)

    async def _entries(self, request: Request) -> list[Entry]:
        request.caller.require("read", "files")
        found: list[Entry] = []
        for number in range(STORE_LISTED_MAX // STORE_PAGE):
            entries, more = await self._store.catalogue.page(Wish(), number)
            found += entries
            if not more:
                break
        return found

    async def _categories(self, request: Request) -> list[Json]:
        request.caller.require("read", "files")
        return [shapes.category(name) for name in sorted(CATEGORIES)]

    async def _offerings(self, request: Request) -> list[Json]:
        return [shapes.offering(one) for one in await self._entries(request)]

    async def _prices(self, request: Request) -> list[Json]:
        priced = [one for one in await self._entries(request) if one.release.manifest.price.model != "free"]
        return [shapes.offering_price(one) for one in priced]

    async def _specifications(self, request: Request) -> list[Json]:
        return [shapes.specification(one) for one in await self._entries(request)]

    def _customers(self, request: Request, action: str) -> list[str]:
        """For whom the caller may act; themselves first."""
        caller = request.caller
        caller.require(action, "me")
        if caller.principal.kind != "person":
            raise Forbidden("only people have orders of their own")
        found = [caller.principal.name]
        if "department" in caller.principal.roles and caller.principal.department:
            found.append(f"department:{caller.principal.department}")
        return [*found, self._store.city] if caller.may("manage", "apps") else found

    async def _orders(self, request: Request) -> list[Json]:
        return [
            shapes.product_order(one) for one in await self._store.orders.of_customers(self._customers(request, "read"))
        ]

    async def _products(self, request: Request) -> list[Json]:
        return [
            shapes.product(one) for one in await self._store.installs.of_customers(self._customers(request, "read"))
        ]

    async def _usages(self, request: Request) -> list[Json]:
        """Of the city's apps from the store, today and yesterday, by day."""
        request.caller.require("read", "apps")
        zone = ZoneInfo(self._store.timezone)
        today = self._store.clock.now().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        apps = [one.app for one in await self._store.installs.of_customers([self._store.city])]
        out: list[Json] = []
        for day in (today, today - timedelta(days=1)):
            found = await used(self._store.pool, apps, day, day + timedelta(days=1))
            out += [shapes.usage(one, f"{day:%Y%m%d}", day) for one in found]
        return out

    async def _billed(self, request: Request) -> list[tuple[Invoice, Order]]:
        orders = {one.id: one for one in await self._store.orders.of_customers(self._customers(request, "read"))}
        return [(one, orders[one.order]) for one in await invoices_of(self._store.pool, list(orders))]

    async def _bills(self, request: Request) -> list[Json]:
        return [shapes.bill(*one) for one in await self._billed(request)]

    async def _rates(self, request: Request) -> list[Json]:
        return [shapes.billing_rate(*one) for one in await self._billed(request)]

    async def _order(self, request: Request) -> Response:
        """One item, to add one offering; for the `customer` among `relatedParty`, or oneself. Raises BadRequest, Forbidden."""
        customers = self._customers(request, "write")
        body = await request.json(_JSON)
        app, wanted = _asked(body)
        customer = wanted or customers[0]
        if customer not in customers:
            raise Forbidden("you do not act for them")
        release = await latest(self._store, app)
        name = request.caller.name
        order = await acted(self._recorder, name, "store.order", app, place(self._store, release, customer, name))
        if order is not None:
            return Response.json(shapes.product_order(order), 201)
        return Response.json(shapes.free_order(f"free-{release.id}", app, customer, self._store.clock.now()), 201)


def _asked(body: Any) -> tuple[str, str]:
    """The app, and the customer if one is named. Raises BadRequest."""
    items = body.get("productOrderItem") if isinstance(body, dict) else None
    if not isinstance(items, list) or len(items) != 1 or not isinstance(items[0], dict):
        raise BadRequest("a productOrder has one productOrderItem here")
    offering = items[0].get("productOffering")
    if items[0].get("action") != "add" or items[0].get("quantity", 1) != 1 or not isinstance(offering, dict):
        raise BadRequest("an item adds one productOffering")
    parties = body.get("relatedParty") or []
    named = [one.get("id") for one in parties if isinstance(one, dict) and one.get("role") == "customer"]
    customer, app = (named or [""])[0], offering.get("id")
    if not isinstance(app, str) or not isinstance(customer, str):
        raise BadRequest("ids are texts")
    return app, customer


def _listing(lister: Lister) -> Handler:
    async def handle(request: Request) -> Response:
        query = request.query
        offset, limit = (
            _number(query.get(name, default), name) for name, default in (("offset", "0"), ("limit", "100"))
        )
        found = await lister(request)
        shown = [_fields(one, query.get("fields")) for one in found[offset : offset + limit]]
        response = Response.json(shown)
        response.headers += [
            (b"x-total-count", str(len(found)).encode()),
            (b"x-result-count", str(len(shown)).encode()),
        ]
        return response

    return handle


def _single(lister: Lister) -> Handler:
    async def handle(request: Request) -> Response:
        identifier = request.parts[3]
        found = next((one for one in await lister(request) if one["id"] == identifier), None)
        if found is None:
            raise NotFound(f"no {request.parts[2]} {identifier[:200]}")
        return Response.json(_fields(found, request.query.get("fields")))

    return handle


def _fields(resource: Json, fields: str | None) -> Json:
    wanted = {"id", "href"} | set((fields or "").split(","))
    return resource if not fields else {name: value for name, value in resource.items() if name in wanted}


def _number(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise BadRequest(f"{name}: a whole number")
    return int(text)
