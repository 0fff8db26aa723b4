"""A personal space in words, for the page. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from madang.people.identity.pages import texts
from madang.trust.consent.agreement import Consent
from madang.trust.consent.erasures import Erasure
from madang.trust.consent.items import KINDS, members_of
from madang.trust.consent.looking import Seen
from madang.trust.consent.space import Item

AILMENTS = ("asthma", "lungDisease", "heartDisease")
NEEDS = ("wheelchair", "avoidStairs", "stroller", "lowVision", "lowHearing")
Shown = dict[str, Any]


def apps_shown(asked: Sequence[Shown], consents: Sequence[Consent], language: str) -> list[Shown]:
    """Every app that asks for something; an ask that was agreed to has its `consent`."""
    known = {(one.app, one.ask.kind, one.ask.purpose): one for one in consents}
    return [
        {
            "number": number,
            "id": app["app"],
            "name": app["name"][language],
            "summary": app["summary"][language],
            "asks": [_ask(ask, known.get((app["app"], ask["kind"], ask["purpose"])), language) for ask in app["asks"]],
        }
        for number, app in enumerate(asked)
    ]


def _ask(ask: Shown, consent: Consent | None, language: str) -> Shown:
    everything = sorted(ask["members"] or members_of(ask["kind"]))
    chosen = sorted(consent.ask.members or everything) if consent is not None else []
    return {
        "kind": ask["kind"],
        "purpose": ask["purpose"],
        "text": ask["text"][language],
        "days": ask["retentionDays"],
        "members": chosen if consent is not None else everything,
        "chosen": chosen,
        "shown": _members(chosen, language),
        "consent": consent,
    }


def items_shown(items: Sequence[Item], language: str) -> list[Shown]:
    return [{"kind": one.kind, "id": one.id, "text": _item(one, items, language)} for one in items]


def _item(item: Item, items: Sequence[Item], language: str) -> str:
    words, body = texts(language), item.body
    if item.kind == "mobility":
        needs = [words[f"member.{name}"] for name in NEEDS if body.get(name)]
        walk = [f"{words['member.walkMaxM']} {body['walkMaxM']}"] if "walkMaxM" in body else []
        return ", ".join(needs + walk) or "–"
    if item.kind == "health":
        return ", ".join(words[f"member.{name}"] for name in AILMENTS if body.get(name)) or "–"
    if item.kind == "contact":
        return str(body["phone"])
    if item.kind == "journey":
        places = {one.id: one.body["name"] for one in items if one.kind == "place"}
        ends = " → ".join(places.get(body[end], body[end]) for end in ("origin", "destination"))
        when = "arriveBy" if "arriveBy" in body else "departAt"
        days = " ".join(words[f"day.{day}"] for day in body["days"])
        return f"{body['name']}: {ends} · {days} · {words[f'member.{when}']} {body[when]}"
    if item.kind == "place":
        longitude, latitude = body["location"]["coordinates"][:2]
        return f"{body['name']} ({latitude}, {longitude})"
    return str(body["name"])


def reads_shown(reads: Sequence[Seen], items: Sequence[Item], asked: Sequence[Shown], language: str) -> list[Shown]:
    """Names of items instead of their ids, where they are there still."""
    names = {(one.kind, one.id): str(one.body.get("name", "")) for one in items}
    return [
        {
            "at": one.at,
            "who": _name(one.app, asked, language),
            "kind": one.kind,
            "names": ", ".join(names.get((one.kind, key)) or key for key in one.items),
            "members": _members(one.members or sorted(members_of(one.kind)), language),
            "purpose": _purpose(one.app, one.kind, one.purpose, asked, language),
        }
        for one in reads
    ]


def erasures_shown(erasures: Sequence[Erasure], asked: Sequence[Shown], language: str) -> list[Shown]:
    return [
        {
            "asked_at": one.asked_at,
            "why": one.why,
            "who": _name(one.app, asked, language),
            "kind": one.kind,
            "receipted_at": one.receipted_at,
            "told": _told(one.receipt or {}, language),
        }
        for one in erasures
    ]


def _told(receipt: Shown, language: str) -> str:
    count = texts(language)["space.erased"].format(count=receipt["erased"]) if "erased" in receipt else ""
    return " · ".join(part for part in (count, receipt.get("note", "")) if part)


def _name(app: str, asked: Sequence[Shown], language: str) -> str:
    return next((str(one["name"][language]) for one in asked if one["app"] == app), app)


def _purpose(app: str, kind: str, purpose: str, asked: Sequence[Shown], language: str) -> str:
    asks = (ask for one in asked if one["app"] == app for ask in one["asks"])
    found = (str(ask["text"][language]) for ask in asks if (ask["kind"], ask["purpose"]) == (kind, purpose))
    return next(found, purpose)


def _members(members: Sequence[str], language: str) -> str:
    return ", ".join(texts(language)[f"member.{name}"] for name in members)


def words_needed() -> set[str]:
    """The keys of kinds and members, which a language must have."""
    members = {f"member.{name}" for kind in KINDS for name in members_of(kind)}
    return members | {f"kind.{kind}" for kind in KINDS}
