"""What a source is asked to tell for one of our subscriptions (clauses 5.8.1.4, 4.3.6.1), pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from madang.base.clock import from_iso
from madang.federation.index import Known
from madang.federation.peers import aliases
from madang.model.context import Context
from madang.model.entity import META, Entity
from madang.model.evaluate import satisfies
from madang.model.query import Node
from madang.model.registration import Registration
from madang.model.sources import Spec, concerns, covered, narrowed
from madang.model.subscription import Subscription

_ENCODE = msgspec.json.Encoder(order="deterministic").encode
_AS_SAID = ("notificationTrigger", "scopeQ", "timeInterval")


@dataclass(frozen=True)
class Ours:
    """A subscription here: `said` is its document, `csf` which sources are meant, `via` the brokers it came through."""

    subscription: Subscription
    said: Mapping[str, Any]
    csf: Node | None = None
    via: str = ""


@dataclass(frozen=True)
class Asked:
    """A subscription for a source, but for its id, its end and where to tell. `context` is the URL its names are in, None
    for the core; `ends` is when ours does."""

    subscription_id: str
    registration: Registration
    document: Mapping[str, Any]
    body: Mapping[str, Any]
    context: str | None
    via: str
    ends: datetime | None = None

    @property
    def key(self) -> str:
        """The same as long as the same is asked of the same source."""
        one = self.registration
        whom = (one.id, one.endpoint, one.tenant, one.headers, one.local_only)
        said = _ENCODE((self.subscription_id, whom, self.body, self.context, self.via, self.ends))
        return hashlib.sha256(said).hexdigest()


def specs_of(subscription: Subscription) -> tuple[Spec, ...]:
    """Any of these is what the subscription is about."""
    names = tuple(sorted(subscription.watched))
    return tuple(
        Spec((one.id,) if one.id else (), one.id_pattern, one.types.words if one.types else (), names)
        for one in subscription.selectors
    ) or (Spec(names=names),)


def is_meant(ours: Ours, known: Known, alias: str) -> bool:
    """Whether a source that matches is to be subscribed at by the broker `alias`: never one the subscription came through."""
    one = known.registration
    return (
        one.supports("createSubscription")
        and not one.is_temporal
        and one.alias not in {*aliases(ours.via), alias}
        and (ours.csf is None or satisfies(known.properties, ours.csf))
    )


def asked_of(ours: Ours, known: Known, names_in: Context, *, same_names: bool) -> Iterator[Asked]:
    """One for each set of attributes that the source registered, so that it is asked for nothing else.

    `names_in` is the context it is spoken to in; `same_names`: whether that is the subscriber's, in which `q` is.
    """
    groups: dict[frozenset[str], dict[Spec, None]] = {}
    for information in known.registration.information:
        single = replace(known.registration, information=(information,))
        found = [part for spec in specs_of(ours.subscription) for part in narrowed(single, spec)]
        groups.setdefault(information.names, {}).update(dict.fromkeys(found))
    url = names_in.source if isinstance(names_in.source, str) else None
    expires = ours.subscription.expires_at
    ends = None if expires is None else from_iso(expires)
    for names, specs in groups.items():
        if specs:
            body = _body(ours, names, list(specs), names_in, same_names)
            yield Asked(ours.subscription.id, known.registration, known.data, body, url, ours.via, ends)


def _body(ours: Ours, names: frozenset[str], specs: list[Spec], context: Context, same_names: bool) -> dict[str, Any]:
    subscription, said = ours.subscription, ours.said
    told: dict[str, Any] = {"format": "normalized", "sysAttrs": True}
    if names:
        told["attributes"] = sorted(map(context.compact, names))
    if subscription.show_changes:
        told["showChanges"] = True
    out = {name: said[name] for name in _AS_SAID if name in said}
    if "q" in said and same_names:
        out["q"] = said["q"]
    if subscription.geo is not None:
        out["geoQ"] = {**said["geoQ"], "geoproperty": context.compact(subscription.geo.attribute)}
    watched = subscription.watched & names if subscription.watched and names else subscription.watched or names
    if watched and subscription.interval_s is None:
        out["watchedAttributes"] = sorted(map(context.compact, watched))
    selectors = [one for spec in specs for one in _selectors(spec, context)]
    if {"type": "*"} not in selectors or "watchedAttributes" not in out:
        out["entities"] = selectors
    return {"type": "Subscription", **out, "notification": told}


def _selectors(spec: Spec, context: Context) -> Iterator[dict[str, str]]:
    ids = [{"id": one} for one in spec.ids] or [{"idPattern": spec.id_pattern} if spec.id_pattern else {}]
    for kind in map(context.compact, spec.types) if spec.types else ("*",):
        for one in ids:
            yield {"type": kind} | one


def admitted(entity: Entity, registration: Registration, subscription: Subscription, *, gone: bool) -> Entity | None:
    """What of an entity that a source told may go on: what it registered and we asked for; None for nothing. Of one that is
    `gone` the source alone can say whether the conditions held."""
    names = covered(registration, entity.id, entity.types, entity.body.keys() - META)
    if not concerns(registration, entity.id, entity.types) or not subscription.selects(entity.id, entity.types):
        return None
    cut = Entity(entity.id, entity.types, {name: one for name, one in entity.body.items() if name in names | META})
    return cut if (gone or names) and (gone or subscription.accepts(cut)) else None
