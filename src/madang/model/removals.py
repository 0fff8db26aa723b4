"""The operations that take away: attributes, entities, and what has expired (clauses 4.22, 5.6.5, 5.6.6, 5.6.21)."""

from __future__ import annotations

import msgspec

from madang.base.errors import NotFound
from madang.model.entity import META, Body, Entity
from madang.model.merging import by_dataset, listed, packed, set_or_remove
from madang.model.outcome import Outcome, need


class OfId(msgspec.Struct, frozen=True, gc=False):
    """An operation on the entity with this id."""

    entity_id: str

    @property
    def target(self) -> str:
        """The id of the entity that the operation is about."""
        return self.entity_id


def _without(current: Entity, body: Body, gone: list[str]) -> Outcome:
    return Outcome(Entity(current.id, current.types, body), dict.fromkeys(gone), False, gone)


class DeleteAttribute(OfId, frozen=True, gc=False):
    """DELETE /attrs/{name}: the instance of `dataset`, the default one, or all."""

    name: str
    dataset: str | None = None
    every: bool = False

    def apply(self, current: Entity | None, now: str) -> Outcome:
        current = need(current, self.entity_id)
        body = dict(current.body)
        left = {} if self.name in META else by_dataset(body.get(self.name))
        if self.name not in body or not (self.every or self.name in META or self.dataset in left):
            raise NotFound(f"no such attribute: {self.name}")
        left.pop(self.dataset, None)
        new = None if self.every else packed(list(left.values()))
        set_or_remove(body, self.name, new)
        return Outcome(Entity(current.id, current.types, body), {self.name: new}, False, [self.name])


class DropAttributes(OfId, frozen=True, gc=False):
    """DELETE /entities with `drop` or `keep` (clause 5.6.21): takes the attributes in `names` away, or all but them."""

    names: frozenset[str]
    keep: bool = False

    def apply(self, current: Entity | None, now: str) -> Outcome:
        current = need(current, self.entity_id)
        gone = [name for name in current.body if name not in META and (name in self.names) != self.keep]
        body = {name: attribute for name, attribute in current.body.items() if name not in gone}
        return _without(current, body, gone)


class Expire(OfId, frozen=True, gc=False):
    """Takes away what its `expiresAt` has ended: the entity, or attributes of it (clause 4.22)."""

    def apply(self, current: Entity | None, now: str) -> Outcome:
        if current is None or current.body.get("expiresAt", "~") <= now:
            return Outcome(None)
        outcome = Outcome(current)
        body = dict(current.body)
        for name, attribute in current.body.items():
            if name not in META and any(item.get("expiresAt", "~") <= now for item in listed(attribute)):
                outcome.changed[name] = packed([x for x in listed(attribute) if x.get("expiresAt", "~") > now])
                set_or_remove(body, name, outcome.changed[name])
        outcome.entity = Entity(current.id, current.types, body) if outcome.changed else current
        return outcome


def next_expiry(entity: Entity) -> str | None:
    """The earliest time at which something of the entity expires, ISO 8601; None when nothing does."""
    instances = [item for name, attribute in entity.body.items() if name not in META for item in listed(attribute)]
    times = [item["expiresAt"] for item in (entity.body, *instances) if "expiresAt" in item]
    return min(times, default=None)


class Delete(OfId, frozen=True, gc=False):
    """DELETE /entities/{id}. `missing_ok` makes a second delete harmless (devices that say goodbye twice)."""

    missing_ok: bool = False

    def apply(self, current: Entity | None, now: str) -> Outcome:
        if current is None and self.missing_ok:
            return Outcome(None)
        return Outcome(None, {}, False, list(need(current, self.entity_id).body))
