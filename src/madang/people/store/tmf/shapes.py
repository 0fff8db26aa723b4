"""What the store has, in the shapes of TM Forum's open APIs (v4.0 and 4.1 of 620). Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from madang.base.clock import to_iso
from madang.store.catalogue import Entry
from madang.store.installs import Install
from madang.store.money.amounts import DIGITS
from madang.store.money.invoices import Invoice
from madang.store.money.orders import Order
from madang.store.usage import Used

Json = dict[str, Any]
CATALOGUE, ORDERING, INVENTORY, USAGE, BILLS = (
    "/tmf-api/productCatalogManagement/v4",
    "/tmf-api/productOrderingManagement/v4",
    "/tmf-api/productInventory/v4",
    "/tmf-api/usageManagement/v4",
    "/tmf-api/customerBillManagement/v4",
)
_PRICE_TYPES = {"one_off": "oneTime", "subscription": "recurring", "usage": "usage"}
_ORDER_STATES = {"open": "acknowledged", "paying": "inProgress", "paid": "completed", "failed": "failed"}


def named(base: str, resource: str, identifier: str, kind: str, **members: Any) -> Json:
    """A resource; members that are None are left out."""
    told = {name: value for name, value in members.items() if value is not None}
    return {"id": identifier, "href": f"{base}/{resource}/{identifier}", "@type": kind} | told


def money(minor: int, currency: str) -> Json:
    value = minor if DIGITS[currency] == 0 else minor / 10 ** DIGITS[currency]
    return {"unit": currency, "value": value}


def party(identifier: str, role: str) -> Json:
    """A customer or publisher. `@referredType` is TMF632's."""
    kind = "Individual" if identifier.startswith("person:") else "Organization"
    return {"id": identifier, "role": role, "@referredType": kind}


def category(name: str) -> Json:
    return named(CATALOGUE, "category", name, "Category", name=name, isRoot=True, lifecycleStatus="Active")


def offering(entry: Entry) -> Json:
    """An app as TMF620's ProductOffering; its price is a reference."""
    release, manifest = entry.release, entry.release.manifest
    priced = manifest.price.model != "free"
    prices = [
        {"id": release.app, "href": f"{CATALOGUE}/productOfferingPrice/{release.app}", "name": manifest.price.model}
    ]
    return named(
        CATALOGUE, "productOffering", release.app, "ProductOffering",
        name=manifest.name["en"],
        description=manifest.summary["en"],
        version=release.version,
        isBundle=False,
        isSellable=True,
        lifecycleStatus="Active",
        lastUpdate=_time(release.decided_at),
        category=[{"id": one, "href": f"{CATALOGUE}/category/{one}", "name": one} for one in manifest.categories],
        productOfferingPrice=prices if priced else [],
        productSpecification=_specification_ref(release.app, manifest.name["en"], release.version),
    )  # fmt: skip


def offering_price(entry: Entry) -> Json:
    """Of an app that costs something. TMF's price is in whole units; a unit of use may cost less than the smallest one."""
    price = entry.release.manifest.price
    period = {"month": "month", "year": "year"}.get(price.per)
    return named(
        CATALOGUE, "productOfferingPrice", entry.release.app, "ProductOfferingPrice",
        name=price.model,
        version=entry.release.version,
        priceType=_PRICE_TYPES[price.model],
        isBundle=False,
        lifecycleStatus="Active",
        price={"unit": price.currency, "value": float(price.amount)},
        recurringChargePeriodType=period,
        recurringChargePeriodLength=1 if period else None,
        unitOfMeasure={"amount": 1.0, "units": price.per} if price.model == "usage" else None,
    )  # fmt: skip


def specification(entry: Entry) -> Json:
    """What an app is, and what it asks for."""
    release, manifest = entry.release, entry.release.manifest
    asked = [f"{one.action} {one.kind or one.type}" for one in manifest.scopes]
    return named(
        CATALOGUE, "productSpecification", release.app, "ProductSpecification",
        name=manifest.name["en"],
        description=manifest.summary["en"],
        brand=entry.publisher.name,
        productNumber=release.sha256,
        version=release.version,
        isBundle=False,
        lifecycleStatus="Active",
        lastUpdate=_time(release.decided_at),
        relatedParty=[party(f"publisher:{release.publisher}", "publisher")],
        productSpecCharacteristic=[{"name": one, "configurable": False, "valueType": "string"} for one in asked],
    )  # fmt: skip


def product_order(order: Order) -> Json:
    """TMF622's ProductOrder with its one item."""
    amount = {
        "dutyFreeAmount": money(order.net_minor, order.currency),
        "taxIncludedAmount": money(order.gross_minor, order.currency),
        "taxRate": order.tax_rate_bp / 100,
    }
    state = _ORDER_STATES[order.state]
    item = {
        "id": "1",
        "action": "add",
        "quantity": 1,
        "state": state,
        "productOffering": {
            "id": order.app,
            "href": f"{CATALOGUE}/productOffering/{order.app}",
            "name": order.title["en"],
        },
    }
    return named(
        ORDERING, "productOrder", order.id, "ProductOrder",
        category=order.kind,
        description=order.title["en"],
        orderDate=_time(order.made_at),
        completionDate=_time(order.paid_at),
        state=state,
        orderTotalPrice=[{"name": order.kind, "priceType": "oneTime", "price": amount}],
        productOrderItem=[item],
        relatedParty=[party(order.customer, "customer")],
        note=[{"id": "pay", "text": f"/store/orders/{order.id}"}] if order.state != "paid" else None,
    )  # fmt: skip


def free_order(identifier: str, app: str, customer: str, at: datetime) -> Json:
    """Of what cost nothing, and is there."""
    offering_ref = {"id": app, "href": f"{CATALOGUE}/productOffering/{app}"}
    item = {"id": "1", "action": "add", "quantity": 1, "state": "completed", "productOffering": offering_ref}
    return named(
        ORDERING, "productOrder", identifier, "ProductOrder",
        orderDate=_time(at), completionDate=_time(at), state="completed", productOrderItem=[item],
        relatedParty=[party(customer, "customer")],
    )  # fmt: skip


def product(install: Install) -> Json:
    """TMF637's Product."""
    return named(
        INVENTORY, "product", install.id, "Product",
        name=install.app,
        productSerialNumber=install.id,
        isBundle=False,
        startDate=_time(install.installed_at),
        terminationDate=_time(install.removed_at),
        status="active" if install.removed_at is None else "terminated",
        productOffering={"id": install.app, "href": f"{CATALOGUE}/productOffering/{install.app}"},
        productSpecification={"id": install.app, "version": install.version},
        relatedParty=[party(install.customer, "customer")],
    )  # fmt: skip


def usage(used: Used, day: str, at: datetime) -> Json:
    """TMF635's Usage: one measure of one app on one day."""
    amount = {"name": used.measure, "valueType": "number", "value": used.amount}
    return named(
        USAGE, "usage", f"{used.app}.{used.measure}.{day}", "Usage",
        usageDate=_time(at), usageType=used.measure, description=used.app, status="received",
        usageCharacteristic=[amount, {"name": "app", "valueType": "string", "value": used.app}],
    )  # fmt: skip


def bill(invoice: Invoice, order: Order) -> Json:
    """TMF678's CustomerBill."""
    taxed = {
        "taxCategory": "VAT",
        "taxRate": order.tax_rate_bp / 100,
        "taxAmount": money(invoice.tax_minor, order.currency),
    }
    return named(
        BILLS, "customerBill", invoice.name, "CustomerBill",
        billNo=invoice.name,
        billDate=_time(invoice.issued_at),
        category="normal",
        runType="onCycle",
        state="settled",
        amountDue=money(invoice.gross_minor, order.currency),
        remainingAmount=money(0, order.currency),
        taxExcludedAmount=money(invoice.gross_minor - invoice.tax_minor, order.currency),
        taxIncludedAmount=money(invoice.gross_minor, order.currency),
        taxItem=[taxed],
        relatedParty=[party(order.customer, "customer")],
    )  # fmt: skip


def billing_rate(invoice: Invoice, order: Order) -> Json:
    """TMF678's AppliedCustomerBillingRate: the one line of a bill."""
    taxed = {
        "taxCategory": "VAT",
        "taxRate": order.tax_rate_bp / 100,
        "taxAmount": money(invoice.tax_minor, order.currency),
    }
    return named(
        BILLS, "appliedCustomerBillingRate", invoice.name, "AppliedCustomerBillingRate",
        name=order.title["en"],
        date=_time(invoice.issued_at),
        type="appliedBillingCredit" if invoice.refund else "appliedBillingCharge",
        isBilled=True,
        bill={"id": invoice.name, "href": f"{BILLS}/customerBill/{invoice.name}"},
        product={"id": order.app, "name": order.title["en"]},
        taxExcludedAmount=money(invoice.gross_minor - invoice.tax_minor, order.currency),
        taxIncludedAmount=money(invoice.gross_minor, order.currency),
        appliedTax=[taxed],
    )  # fmt: skip


def _specification_ref(app: str, name: str, version: str) -> Json:
    return {"id": app, "href": f"{CATALOGUE}/productSpecification/{app}", "name": name, "version": version}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else to_iso(moment)
