"""What each NGSI-LD write does to an entity, as pure functions (clauses 5.6.1 to 5.6.21).

Every operation is a frozen value with `apply(current, now) -> Outcome`. `current` is the stored entity or None; nothing is
changed in place. Errors are raised as MadangError and touch nothing.
"""

from __future__ import annotations

from typing import Any

import msgspec

from madang.base.errors import BadRequest, Conflict, NotFound
from madang.model.condition import Guarded
from madang.model.entity import META, Body, Entity, require_values
from madang.model.kinds import NULL
from madang.model.merging import (
    by_dataset,
    fresh,
    is_null,
    listed,
    merged,
    packed,
    patched,
    put,
    replaced,
    set_or_remove,
    stamped,
)
from madang.model.outcome import Outcome, need
from madang.model.removals import Delete, DeleteAttribute, DropAttributes, Expire, OfId
from madang.model.simplified import Reading


def _types(current: Entity, added: list[str]) -> list[str]:
    return list(dict.fromkeys([*current.types, *added]))


class OfEntity(msgspec.Struct, frozen=True, gc=False):
    """An operation with an entity, or a fragment of one that has its id."""

    entity: Entity

    @property
    def target(self) -> str:
        """The id of the entity that the operation is about."""
        return self.entity.id


class Create(OfEntity, frozen=True, gc=False):
    """POST /entities: Conflict when it exists."""

    def apply(self, current: Entity | None, now: str) -> Outcome:
        if current is not None:
            raise Conflict(f"{self.entity.id} exists already")
        if not self.entity.types:
            raise BadRequest("an entity needs a type")
        body = fresh(self.entity.body, now)
        return Outcome(Entity(self.entity.id, self.entity.types, body), body, True, list(body))


class Replace(OfEntity, frozen=True, gc=False):
    """PUT /entities/{id}, and batch upsert in replace mode (`create` true)."""

    create: bool = False

    def apply(self, current: Entity | None, now: str) -> Outcome:
        if current is None and not self.create:
            raise NotFound(f"no entity {self.entity.id}")
        old = current.body if current else {}
        body = fresh(self.entity.body, now, old)
        types = self.entity.types or (current.types if current else [])
        gone = {name: None for name in old if name not in body}
        return Outcome(Entity(self.entity.id, types, body), body | gone if gone else body, current is None, list(body))


class Append(OfEntity, frozen=True, gc=False):
    """POST /attrs, and batch upsert in update mode (`create` true): adds attributes, overwrites those that exist."""

    overwrite: bool = True
    create: bool = False

    def apply(self, current: Entity | None, now: str) -> Outcome:
        if current is None and self.create:
            return Create(self.entity).apply(None, now)
        current = need(current, self.entity.id)
        require_values(self.entity.body)
        body, outcome = dict(current.body), Outcome(None)
        for name, attribute in self.entity.body.items():
            if name in META:
                body[name] = _appended_scope(body, attribute, self.overwrite) if name == "scope" else attribute
            else:
                new = attribute if self.overwrite else _unknown_instances(body.get(name), attribute)
                if new is None:
                    outcome.refused[name] = "the attribute exists already"
                    continue
                body[name] = put(body.get(name), new, now)
            outcome.changed[name] = body[name]
            outcome.updated.append(name)
        outcome.entity = Entity(current.id, _types(current, self.entity.types), body)
        return outcome


def _appended_scope(body: Body, scope: list[str], overwrite: bool) -> list[str]:
    return scope if overwrite else list(dict.fromkeys([*body.get("scope", []), *scope]))


def _unknown_instances(old: Any, new: Any) -> Any:
    known = by_dataset(old)
    return packed([instance for instance in listed(new) if instance.get("datasetId") not in known])


class Update(OfEntity, frozen=True, gc=False):
    """PATCH /attrs: replaces or adds instances; `urn:ngsi-ld:null` deletes. A scope is only replaced, never added."""

    def apply(self, current: Entity | None, now: str) -> Outcome:
        current = need(current, self.entity.id)
        body, outcome = dict(current.body), Outcome(None)
        for name, attribute in self.entity.body.items():
            if name not in body and (name == "scope" or (name not in META and all(map(is_null, listed(attribute))))):
                outcome.refused[name] = "no such attribute"
                continue
            new = _meta(attribute) if name in META else replaced(body.get(name), attribute, now)
            set_or_remove(body, name, new)
            outcome.changed[name] = new
            outcome.updated.append(name)
        outcome.entity = Entity(current.id, _types(current, self.entity.types), body)
        return outcome


def _meta(value: Any) -> Any:
    return None if value in (NULL, [NULL]) else value


class Merge(OfEntity, frozen=True, gc=False):
    """PATCH /entities/{id}: JSON merge patch of attributes and their members (clause 5.5.12)."""

    create: bool = False
    observed_at: str | None = None
    reading: Reading | None = None

    def apply(self, current: Entity | None, now: str) -> Outcome:
        if current is None and self.create:
            return Create(self.entity).apply(None, now)
        current = need(current, self.entity.id)
        body, outcome = dict(current.body), Outcome(None)
        for name, attribute in self.entity.body.items():
            if name in META:
                new = _meta(attribute)
            else:
                if self.reading is not None:
                    attribute = self.reading.of(name, body.get(name), attribute)
                new = merged(body.get(name), attribute, now)
                if self.observed_at and isinstance(new, dict) and "observedAt" in (body.get(name) or {}):
                    new = new | {"observedAt": listed(attribute)[0].get("observedAt", self.observed_at)}
            set_or_remove(body, name, new)
            outcome.changed[name] = new
            outcome.updated.append(name)
        outcome.entity = Entity(current.id, _types(current, self.entity.types), body)
        return outcome


class PatchAttribute(OfId, frozen=True, gc=False):
    """PATCH /attrs/{name}: changes members of one instance; `replace` is PUT."""

    name: str
    fragment: Any
    replace: bool = False

    def apply(self, current: Entity | None, now: str) -> Outcome:
        current = need(current, self.entity_id)
        old = current.body.get(self.name)
        if old is None:
            raise NotFound(f"no attribute {self.name}")
        if self.replace and not {item.get("datasetId") for item in listed(self.fragment)} <= by_dataset(old).keys():
            raise NotFound(f"no instance of {self.name} with that datasetId")
        new = (replaced if self.replace else patched)(old, self.fragment, now)
        body = dict(current.body)
        set_or_remove(body, self.name, new)
        return Outcome(Entity(current.id, current.types, body), {self.name: new}, False, [self.name])


class AppendTemporal(OfEntity, frozen=True, gc=False):
    """POST /temporal/entities and their attrs: instances of the past (each attribute a list of them). What is true now
    stays as it is (clauses 5.6.11, 5.6.12)."""

    def apply(self, current: Entity | None, now: str) -> Outcome:
        require_values(self.entity.body)
        told = {name: [stamped(one, None, now) for one in instances] for name, instances in self.entity.body.items()}
        return Outcome(current, told, False, list(told))


Operation = (
    Create
    | Replace
    | Append
    | Update
    | Merge
    | PatchAttribute
    | DeleteAttribute
    | DropAttributes
    | Expire
    | Delete
    | AppendTemporal
    | Guarded
)
