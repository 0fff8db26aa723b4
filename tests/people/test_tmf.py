"""The store by TM Forum's open APIs: members, types and required ones as their published descriptions have them.

`FIELDS` are facts taken from the OpenAPI (Swagger 2.0) files of TMF620 v4.1.0, 622, 635, 637 and 678 v4.0.0 as FIWARE's tmforum-api keeps
them: which members a resource may have, of which kind, which it must have, and the words a state may be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from tests.callers import GATE, OPERATOR, app, caller
from tests.conftest import Nothing
from tests.store.dealing import Till
from tests.store.making import PRICE, PUBLISHER, START, app_folder, person, yard
from tests.store.market import Runtime

from madang.base.city import CityConfig
from madang.base.clock import ManualClock
from madang.people.gateway import Gateway
from madang.people.manage import Management
from madang.people.policies import PolicyDoor
from madang.people.store.tmf.door import TmfDoor
from madang.runtime.package import pack
from madang.store.house import StoreHouse, open_store
from madang.trust.audit.recorder import Recorder
from madang.trust.policy.subjects import Grant

pytestmark = pytest.mark.engine
APP, FREE = f"{PUBLISHER}.dust", f"{PUBLISHER}.air"
T, I, N, B, A, O = "text", "integer", "number", "boolean", "array", "object"  # noqa: E741
_COMMON = {"id": T, "href": T, "@type": T, "@baseType": T, "@schemaLocation": T, "@referredType": T}
FIELDS: dict[str, dict[str, str]] = {
    "category": {"description": T, "isRoot": B, "lastUpdate": T, "lifecycleStatus": T, "name": T, "parentId": T, "version": T,
                 "productOffering": A, "subCategory": A, "validFor": O},
    "productOffering": {"description": T, "isBundle": B, "isSellable": B, "lastUpdate": T, "lifecycleStatus": T, "name": T,
                        "statusReason": T, "version": T, "attachment": A, "category": A, "productOfferingPrice": A,
                        "productOfferingTerm": A, "productSpecification": O, "validFor": O},
    "productOfferingPrice": {"description": T, "isBundle": B, "lastUpdate": T, "lifecycleStatus": T, "name": T, "percentage": N,
                             "priceType": T, "recurringChargePeriodLength": I, "recurringChargePeriodType": T, "version": T, "price": O,
                             "tax": A, "unitOfMeasure": O, "validFor": O},
    "productSpecification": {"brand": T, "description": T, "isBundle": B, "lastUpdate": T, "lifecycleStatus": T, "name": T,
                             "productNumber": T, "version": T, "attachment": A, "productSpecCharacteristic": A, "relatedParty": A,
                             "validFor": O},
    "productOrder": {"cancellationDate": T, "category": T, "completionDate": T, "description": T, "externalId": T, "orderDate": T,
                     "priority": T, "note": A, "orderTotalPrice": A, "payment": A, "productOrderItem": A, "relatedParty": A, "state": T},
    "product": {"description": T, "isBundle": B, "isCustomerVisible": B, "name": T, "orderDate": T, "productSerialNumber": T,
                "startDate": T, "terminationDate": T, "productCharacteristic": A,
                "productOffering": O, "productOrderItem": A, "productPrice": A,
                "productSpecification": O, "relatedParty": A, "status": T},
    "usage": {"description": T, "usageDate": T, "usageType": T, "ratedProductUsage": A, "relatedParty": A, "status": T,
              "usageCharacteristic": A, "usageSpecification": O},
    "customerBill": {"billDate": T, "billNo": T, "category": T, "lastUpdate": T, "nextBillDate": T, "paymentDueDate": T, "runType": T,
                     "amountDue": O, "appliedPayment": A, "billDocument": A, "billingAccount": O, "billingPeriod": O, "relatedParty": A,
                     "remainingAmount": O, "state": T, "taxExcludedAmount": O, "taxIncludedAmount": O, "taxItem": A},
    "appliedCustomerBillingRate": {"date": T, "description": T, "isBilled": B, "name": T, "type": T, "appliedTax": A, "bill": O,
                                   "billingAccount": O, "characteristic": A, "periodCoverage": O, "product": O, "taxExcludedAmount": O,
                                   "taxIncludedAmount": O},
}  # fmt: skip
PARTS: dict[str, dict[str, str]] = {
    "productOrderItem": {"id": T, "quantity": I, "action": T, "state": T, "productOffering": O, "itemPrice": A, "product": O},
    "orderTotalPrice": {"description": T, "name": T, "priceType": T, "recurringChargePeriod": T, "unitOfMeasure": T, "price": O},
    "relatedParty": {"id": T, "href": T, "name": T, "role": T, "@referredType": T},
    "taxItem": {"taxCategory": T, "taxRate": N, "taxAmount": O},
    "appliedTax": {"taxCategory": T, "taxRate": N, "taxAmount": O},
    "usageCharacteristic": {"id": T, "name": T, "valueType": T, "value": ""},
    "productSpecCharacteristic": {"id": T, "configurable": B, "description": T, "name": T, "valueType": T},
    "note": {"id": T, "author": T, "date": T, "text": T},
    "price": {"unit": T, "value": N, "percentage": N, "taxRate": N, "dutyFreeAmount": O, "taxIncludedAmount": O},
}  # fmt: skip
REQUIRED = {
    "productOrderItem": {"id", "action"},
    "relatedParty": {"id", "@referredType"},
    "usageCharacteristic": {"name", "value"},
}
WORDS = {
    "productOrder": {"acknowledged", "rejected", "pending", "held", "inProgress", "cancelled", "completed", "failed", "partial"},
    "product": {"created", "pendingActive", "cancelled", "active", "pendingTerminate", "terminated", "suspended"},
    "usage": {"received", "rejected", "recycled", "guided", "rated", "rerated", "billed"},
    "customerBill": {"new", "onHold", "validated", "sent", "partiallyPaid", "settled"},
}  # fmt: skip
KINDS = {T: (str,), I: (int,), N: (int, float), B: (bool,), A: (list,), O: (dict,), "": (object,)}
CATALOGUE, ORDERS = "/tmf-api/productCatalogManagement/v4", "/tmf-api/productOrderingManagement/v4/productOrder"
PRODUCTS, USAGE, BILLS = (
    "/tmf-api/productInventory/v4/product",
    "/tmf-api/usageManagement/v4/usage",
    "/tmf-api/customerBillManagement/v4",
)


def faults(kind: str, resource: dict[str, Any]) -> list[str]:
    """Where it is not as described."""
    known = _COMMON | FIELDS[kind]
    out = [
        f"{kind}.{name}"
        for name, value in resource.items()
        if name not in known or not isinstance(value, KINDS[known[name]])
    ]
    out += [
        f"{kind}.state {resource[name]}"
        for name in ("state", "status")
        if resource.get(name, "") not in WORDS.get(kind, {""}) | {""}
    ]
    for name, value in resource.items():
        for part in (value if isinstance(value, list) else [value]) if name in PARTS else []:
            fields = _COMMON | PARTS[name]
            out += [
                f"{kind}.{name}.{one}"
                for one, held in part.items()
                if one not in fields or not isinstance(held, KINDS[fields[one]])
            ]
            out += [f"{kind}.{name} misses {one}" for one in REQUIRED.get(name, set()) - part.keys()]
    return out


@dataclass
class Face:
    gateway: Gateway
    store: StoreHouse
    till: Till

    async def ask(self, who: str, method: str, path: str, **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.gateway)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8600") as client:
            return await client.request(method, path, headers={"authorization": f"Bearer {who}"}, **more)

    async def get(self, path: str, who: str = "kim", **query: str) -> Any:
        return (await self.ask(who, "GET", path, params=query)).json()


WHO = {
    "kim": caller("citizen", name="kim"),
    "lee": caller("citizen", name="lee"),
    "clerk": caller("administrator", name="clerk"),
    "app": app(APP, Grant("read", "AirQualityObserved")),
    "other": app("org.other.app"),
}


@pytest.fixture
async def face(pool: asyncpg.Pool, tmp_path: Path, recorder: Recorder) -> AsyncIterator[Face]:
    """Two apps are in the store: one costs, one is free."""
    clock, till = ManualClock(START), Till()
    config = CityConfig("yard", {"ko": "마당", "en": "Yard"}, "Asia/Seoul", "")
    store = await open_store(pool, tmp_path, config, "https://city.example", Runtime(tmp_path), clock)
    store.checkout.provider = till
    making = yard(pool, clock)
    making.desk, making.publishers, making.repository, making.releases = (
        store.desk,
        store.publishers,
        store.repository,
        store.releases,
    )
    await making.publisher(await person(pool, "mina"))
    folder = app_folder(tmp_path / "dust", more=PRICE.format(model="one_off", amount="9900", per=""))
    first = await making.published("mina", pack(folder))
    await making.published("mina", pack(app_folder(tmp_path / "air", app=FREE)), first.role, app=FREE)
    nothing: Any = Nothing()
    manage = Management(
        {},
        nothing,
        nothing,
        nothing,
        nothing,
        nothing,
        nothing,
        nothing,
        recorder,
        PolicyDoor(GATE, nothing, nothing),
        store=store,
    )

    async def by_token(token: str) -> Any:
        return WHO.get(token)

    mounts = {"tmf-api": TmfDoor(store, recorder)}
    gateway = Gateway(nothing, manage, nothing, nothing, nothing, nothing, by_token, OPERATOR, further=mounts)
    yield Face(gateway, store, till)


def order_of(offering: str, **more: Any) -> dict[str, Any]:
    return {
        "productOrderItem": [{"id": "1", "action": "add", "quantity": 1, "productOffering": {"id": offering}}]
    } | more


async def bought(face: Face) -> str:
    made = (await face.ask("kim", "POST", ORDERS, json=order_of(APP))).json()
    order = await face.store.orders.get(made["id"])
    await face.store.checkout.begin(order)
    order = await face.store.orders.get(made["id"])
    face.till.approved.add(order.reference)
    await face.store.checkout.settle(order, {})
    return str(made["id"])


async def test_the_catalogue_is_as_620_describes_it(face: Face) -> None:
    found = {
        name: await face.get(f"{CATALOGUE}/{name}")
        for name in ("category", "productOffering", "productOfferingPrice", "productSpecification")
    }
    assert [fault for name, listed in found.items() for one in listed for fault in faults(name, one)] == []
    assert [one["id"] for one in found["productOffering"]] == [FREE, APP]
    (price,) = found["productOfferingPrice"]
    assert (price["priceType"], price["price"]) == ("oneTime", {"unit": "KRW", "value": 9_900.0})
    for listed in found.values():
        assert [(await face.get(one["href"]))["id"] for one in listed] == [one["id"] for one in listed]


async def test_an_order_a_product_and_a_bill_are_as_622_637_and_678_describe_them(face: Face) -> None:
    identifier = await bought(face)
    release = await face.store.releases.latest(APP)
    assert release is not None
    await face.store.installs.install(release, "person:kim", "person:kim")
    found = {
        "productOrder": await face.get(ORDERS), "product": await face.get(PRODUCTS),
        "customerBill": await face.get(f"{BILLS}/customerBill"),
        "appliedCustomerBillingRate": await face.get(f"{BILLS}/appliedCustomerBillingRate"),
    }  # fmt: skip
    assert [fault for name, (one,) in found.items() for fault in faults(name, one)] == []
    (order,), (product,), (bill,), (rate,) = found.values()
    assert (order["id"], order["state"], product["status"]) == (identifier, "completed", "active")
    assert (bill["taxIncludedAmount"], bill["taxItem"]) == (
        {"unit": "KRW", "value": 9_900}, [{"taxCategory": "VAT", "taxRate": 10.0, "taxAmount": {"unit": "KRW", "value": 900}}]
    )  # fmt: skip
    assert rate["bill"]["id"] == bill["id"]
    assert await face.get(order["href"]) == order


async def test_use_is_as_635_describes_it(face: Face, pool: asyncpg.Pool) -> None:
    release = await face.store.releases.latest(FREE)
    assert release is not None
    await face.store.installs.install(release, "city:yard", "person:clerk")
    hour = START - timedelta(hours=1)
    await pool.execute("INSERT INTO app_usage VALUES ($1, '', $2, 'reads', 12), ($1, '', $2, 'cpu_s', 0.5)", FREE, hour)
    found = await face.get(USAGE, "clerk")
    assert [fault for one in found for fault in faults("usage", one)] == []
    assert [(one["usageType"], one["usageCharacteristic"][0]["value"]) for one in found] == [
        ("cpu_s", 0.5),
        ("reads", 12.0),
    ]
    assert (await face.ask("kim", "GET", USAGE)).status_code == 403


async def test_nobody_sees_what_somebody_else_ordered(face: Face) -> None:
    identifier = await bought(face)
    assert (await face.get(ORDERS, "lee"), (await face.ask("lee", "GET", f"{ORDERS}/{identifier}")).status_code) == (
        [],
        404,
    )


async def test_what_is_free_is_there_at_once(face: Face) -> None:
    made = await face.ask("kim", "POST", ORDERS, json=order_of(FREE))
    assert (made.status_code, made.json()["state"], faults("productOrder", made.json())) == (201, "completed", [])
    assert [one["name"] for one in await face.get(PRODUCTS)] == [FREE]


async def test_the_city_is_ordered_for_by_who_may(face: Face) -> None:
    for_city = order_of(FREE, relatedParty=[{"id": "city:yard", "role": "customer", "@referredType": "Organization"}])
    codes = [(await face.ask(who, "POST", ORDERS, json=for_city)).status_code for who in ("kim", "clerk")]
    assert codes == [403, 201]


@pytest.mark.parametrize(
    "body",
    [[], {}, {"productOrderItem": []}, {"productOrderItem": [{}]}, order_of(APP, relatedParty=[{"id": 7, "role": "customer"}]),
     {"productOrderItem": [{"id": "1", "action": "delete", "productOffering": {"id": APP}}]}],
)  # fmt: skip
async def test_an_order_that_is_none_is_refused(face: Face, body: Any) -> None:
    assert (await face.ask("kim", "POST", ORDERS, json=body)).status_code == 400


async def test_lists_are_cut_and_counted(face: Face) -> None:
    answer = await face.ask("kim", "GET", f"{CATALOGUE}/productOffering?offset=1&limit=1&fields=name")
    told = {name: answer.headers[name] for name in ("x-total-count", "x-result-count")}
    assert (told, answer.json()) == (
        {"x-total-count": "2", "x-result-count": "1"}, [{"id": APP, "href": f"{CATALOGUE}/productOffering/{APP}", "name": "Dust alert"}]
    )  # fmt: skip


CHARGE = {"title": {"ko": "택시", "en": "A ride"}, "amount": "11000", "payee": PUBLISHER}


async def test_an_app_charges_whoever_opens_the_address(face: Face) -> None:
    made = await face.ask("app", "POST", "/madang/v1/charges", json=CHARGE)
    charge = made.json()
    assert (made.status_code, charge["state"], (await face.get(f"/madang/v1/charges/{charge['id']}", "app"))) == (
        201,
        "open",
        charge,
    )
    await face.store.orders.take_up(charge["id"], "person:kim", "person:kim")
    again = await face.store.orders.take_up(charge["id"], "person:lee", "person:lee")
    assert again.customer == "person:kim"
    await face.store.checkout.begin(again)
    face.till.approved.add((await face.store.orders.get(charge["id"])).reference)
    paid = await face.store.checkout.settle(await face.store.orders.get(charge["id"]), {})
    assert (paid.state, await face.get(f"/madang/v1/charges/{charge['id']}", "app")) == (
        "paid",
        charge | {"state": "paid"},
    )


@pytest.mark.parametrize(
    ("who", "body", "status"),
    [
        ("other", CHARGE, 403),
        ("kim", CHARGE, 403),
        ("clerk", CHARGE, 400),
        ("app", CHARGE | {"payee": "org.nobody"}, 404),
        ("app", CHARGE | {"amount": "1.5"}, 400),
        ("app", CHARGE | {"title": {"en": "A ride"}}, 400),
        ("app", CHARGE | {"more": 1}, 400),
    ],
)
async def test_a_charge_that_cannot_be_is_refused(face: Face, who: str, body: Any, status: int) -> None:
    assert (await face.ask(who, "POST", "/madang/v1/charges", json=body)).status_code == status


async def test_a_charge_is_nobody_elses(face: Face) -> None:
    charge = (await face.ask("app", "POST", "/madang/v1/charges", json=CHARGE)).json()
    assert (await face.ask("other", "GET", f"/madang/v1/charges/{charge['id']}")).status_code == 404
