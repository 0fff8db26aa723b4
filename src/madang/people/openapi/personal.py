"""Personal spaces in the description: people's own, and what they show to apps."""

from __future__ import annotations

from typing import Any

from madang.people.openapi.operations import GONE, Operation, op
from madang.trust.consent.items import KINDS

Schema = dict[str, Any]
_TEXT: Schema = {"type": "string"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_TEXTS: Schema = {"type": "object", "properties": {"ko": _TEXT, "en": _TEXT}}
_KIND: Schema = {"enum": sorted(KINDS)}
_MEMBERS: Schema = {"type": ["array", "null"], "items": _TEXT, "description": "null: all members"}
_DAYS: Schema = {"type": "integer", "minimum": 0}

PERSONAL: dict[tuple[str, str], Operation] = {
    ("me", "GET"): op("Everything that is kept of whoever asks", {200: "PersonalSpace"}),
    ("me", "DELETE"): op("Delete all of it; apps are asked to erase what they saw", {200: "Forgotten"}),
    ("me/items", "GET"): op("Items of one's own", {200: "PersonalItemList"}),
    ("me/items/*", "GET"): op("Those of a kind", {200: "PersonalItemList"}),
    ("me/items/*/*", "PUT"): op("Keep an item", {200: "PersonalItem"}, "PersonalItemBody"),
    ("me/items/*/*", "DELETE"): op("Delete an item", GONE),
    ("me/apps", "GET"): op("Apps that ask people for something", {200: "PersonalAppList"}),
    ("me/consents", "GET"): op("What was agreed to, also what was withdrawn", {200: "ConsentList"}),
    ("me/consents", "POST"): op("Agree to what an app asks, or to less", {201: "Consent"}, "ConsentGrant"),
    ("me/consents/*", "PATCH"): op("Agree to less from now on", {200: "Consent"}, "ConsentNarrowing"),
    ("me/consents/*", "DELETE"): op("Withdraw a consent", {200: "Consent"}),
    ("me/reads", "GET"): op("Who looked at what, when, for what", {200: "PersonalReadList"}, None, "limit before"),
    ("me/erasures", "GET"): op("What apps were asked to erase, and their receipts", {200: "ErasureList"}),
    ("me/export", "GET"): op(
        "Everything, to take away: JSON, or CSV tables in a zip", {200: "PersonalSpace"}, None, "form"
    ),
    ("persons", "GET"): op("The people who agreed to show it", {200: "PersonList"}, None, "item purpose limit after"),
    ("persons/*", "GET"): op("One of them", {200: "Person"}, None, "item purpose"),
    ("erasures", "GET"): op("What the asking app has still to erase", {200: "ErasureList"}),
    ("erasures/*", "POST"): op("The receipt for it", {200: "Erasure"}, "ErasureReceipt"),
}


def _object(required: str = "", **properties: Schema) -> Schema:
    return {"type": "object", "required": required.split(), "properties": properties}


def _list(name: str) -> Schema:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


PERSONAL_SCHEMAS: dict[str, Schema] = {
    "PersonalItemBody": {
        "type": "object",
        "description": "as its kind has it: place, journey, mobility, device, health, contact",
    },
    "PersonalItem": _object("kind id item modifiedAt", kind=_KIND, id=_TEXT, item={"type": "object"}, modifiedAt=_TIME),
    "PersonalItemList": _list("PersonalItem"),
    "PersonalAppList": {
        "type": "array",
        "items": _object("app name asks", app=_TEXT, name=_TEXTS, summary=_TEXTS, asks={"type": "array"}),
    },
    "Consent": _object(
        "id app kind members purpose retentionDays grantedAt withdrawnAt",
        id=_TEXT,
        app=_TEXT,
        kind=_KIND,
        members=_MEMBERS,
        purpose=_TEXT,
        retentionDays=_DAYS,
        grantedAt=_TIME,
        withdrawnAt={"type": ["string", "null"]},
    ),
    "ConsentList": _list("Consent"),
    "ConsentGrant": _object(
        "app kind purpose", app=_TEXT, kind=_KIND, purpose=_TEXT, members=_MEMBERS, retentionDays=_DAYS
    ),
    "ConsentNarrowing": _object("", members=_MEMBERS, retentionDays=_DAYS),
    "PersonalRead": _object(
        "at app kind purpose items members",
        seq={"type": "integer"},
        at=_TIME,
        app=_TEXT,
        kind=_KIND,
        purpose=_TEXT,
        items={"type": "array", "items": _TEXT},
        members=_MEMBERS,
    ),
    "PersonalReadList": _list("PersonalRead"),
    "Erasure": _object(
        "id app kind purpose upTo why askedAt",
        id=_TEXT,
        app=_TEXT,
        kind=_KIND,
        purpose=_TEXT,
        upTo=_TIME,
        why={"enum": ["withdrawn", "narrowed", "deleted", "removed", "retention"]},
        askedAt=_TIME,
        receipt={"type": ["object", "null"]},
        receiptedAt={"type": ["string", "null"]},
        pseudonym=_TEXT,
    ),
    "ErasureList": _list("Erasure"),
    "ErasureReceipt": _object("erased", erased={"type": "integer", "minimum": 0}, note=_TEXT),
    "PersonalSpace": _object(
        "items consents reads erasures",
        person=_TEXT,
        items=_list("PersonalItem"),
        consents=_list("Consent"),
        reads=_list("PersonalRead"),
        erasures=_list("Erasure"),
    ),
    "Forgotten": _object("erasures", erasures={"type": "integer"}),
    "Person": _object("pseudonym items", pseudonym=_TEXT, items={"type": "object"}),
    "PersonList": _list("Person"),
}
