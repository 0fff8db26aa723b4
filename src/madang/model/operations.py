"""What each NGSI-LD write does to an entity, as pure functions (clauses 5.5.8, 5.5.12, 5.6.1 to 5.6.19).

Every operation is a frozen value with `apply(current, now) -> Outcome`. `current` is the stored entity or None; nothing is
changed in place. Errors are raised as MadangError and touch nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from madang.base.errors import BadRequest, Conflict, NotFound
from madang.model.entity import NULL, VALUE_KEY, Body, Entity, require_values

META = frozenset({"scope", "expiresAt"})


@dataclass(slots=True)
class Outcome:
    """`entity` is what is true now (None: gone). `changed` maps attribute names to their new value, None for deleted."""

    entity: Entity | None
    changed: dict[str, Any] = field(default_factory=dict)
    created: bool = False
    updated: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def _listed(attribute: Any) -> list[dict[str, Any]]:
    return attribute if isinstance(attribute, list) else [attribute]


def _packed(instances: list[dict[str, Any]]) -> Any:
    return instances[0] if len(instances) == 1 else instances


def _by_dataset(attribute: Any) -> dict[str | None, dict[str, Any]]:
    return {instance.get("datasetId"): instance for instance in _listed(attribute)} if attribute is not None else {}


def _stamped(new: dict[str, Any], old: dict[str, Any] | None, now: str) -> dict[str, Any]:
    out = new.copy()
    out["createdAt"] = old.get("createdAt", now) if old else now
    out["modifiedAt"] = now
    return out


def put(old: Any, new: Any, now: str) -> Any:
    """The attribute after `new` replaced the instances of the same datasetId; the others stay."""
    if isinstance(new, dict) and (old is None or (isinstance(old, dict) and "datasetId" not in new | old)):
        return _stamped(new, old, now)
    merged = _by_dataset(old)
    for instance in _listed(new):
        key = instance.get("datasetId")
        merged[key] = _stamped(instance, merged.get(key), now)
    return _packed(list(merged.values()))


def _fresh(body: Body, now: str, old: Body | None = None) -> Body:
    known = old or {}
    out: Body = {}
    for name, attribute in body.items():
        if name in META:
            out[name] = attribute
        elif isinstance(attribute, dict) and name not in known:
            out[name] = _stamped(attribute, None, now)
        else:
            previous = _by_dataset(known.get(name))
            out[name] = _packed([_stamped(new, previous.get(new.get("datasetId")), now) for new in _listed(attribute)])
    return out


def _gone(old: Body, new: Body) -> dict[str, None]:
    return {name: None for name in old if name not in new}


def _need(current: Entity | None, entity_id: str) -> Entity:
    if current is None:
        raise NotFound(f"no entity {entity_id}")
    return current


def _types(current: Entity, added: list[str]) -> list[str]:
    return list(dict.fromkeys([*current.types, *added]))


@dataclass(frozen=True, slots=True)
class Create:
    """POST /entities: Conflict when it exists."""

    entity: Entity

    def apply(self, current: Entity | None, now: str) -> Outcome:
        if current is not None:
            raise Conflict(f"{self.entity.id} exists already")
        require_values(self.entity.body)
        body = _fresh(self.entity.body, now)
        return Outcome(Entity(self.entity.id, self.entity.types, body), body, True, list(body))


@dataclass(frozen=True, slots=True)
class Replace:
    """PUT /entities/{id}, and batch upsert in replace mode (`create` true)."""

    entity: Entity
    create: bool = False

    def apply(self, current: Entity | None, now: str) -> Outcome:
        require_values(self.entity.body)
        if current is None and not self.create:
            raise NotFound(f"no entity {self.entity.id}")
        old = current.body if current else {}
        body = _fresh(self.entity.body, now, old)
        types = self.entity.types or (current.types if current else [])
        gone = _gone(old, body)
        return Outcome(Entity(self.entity.id, types, body), body | gone if gone else body, current is None, list(body))


@dataclass(frozen=True, slots=True)
class Append:
    """POST /attrs, and batch upsert in update mode (`create` true): adds attributes, overwrites those that exist."""

    entity: Entity
    overwrite: bool = True
    create: bool = False

    def apply(self, current: Entity | None, now: str) -> Outcome:
        if current is None and self.create:
            return Create(self.entity).apply(None, now)
        current = _need(current, self.entity.id)
        require_values(self.entity.body)
        body, outcome = dict(current.body), Outcome(None)
        for name, attribute in self.entity.body.items():
            if name in META:
                body[name] = _appended_scope(body, attribute, self.overwrite) if name == "scope" else attribute
            elif not self.overwrite and name in body:
                outcome.refused[name] = "the attribute exists already"
                continue
            else:
                body[name] = put(body.get(name), attribute, now)
            outcome.changed[name] = body[name]
            outcome.updated.append(name)
        outcome.entity = Entity(current.id, _types(current, self.entity.types), body)
        return outcome


def _appended_scope(body: Body, scope: list[str], overwrite: bool) -> list[str]:
    return scope if overwrite else list(dict.fromkeys([*body.get("scope", []), *scope]))


@dataclass(frozen=True, slots=True)
class Update:
    """PATCH /attrs: changes attributes that exist, refuses the others. `urn:ngsi-ld:null` deletes."""

    entity: Entity

    def apply(self, current: Entity | None, now: str) -> Outcome:
        current = _need(current, self.entity.id)
        body, outcome = dict(current.body), Outcome(None)
        for name, attribute in self.entity.body.items():
            if name not in body and name not in META:
                outcome.refused[name] = "no such attribute"
                continue
            new = attribute if name in META else _merged(body.get(name), attribute, now, replace=True)
            _set(body, name, new)
            outcome.changed[name] = new
            outcome.updated.append(name)
        outcome.entity = Entity(current.id, _types(current, self.entity.types), body)
        return outcome


@dataclass(frozen=True, slots=True)
class Merge:
    """PATCH /entities/{id}: JSON merge patch of attributes and their members (clause 5.5.12)."""

    entity: Entity
    create: bool = False
    observed_at: str | None = None

    def apply(self, current: Entity | None, now: str) -> Outcome:
        if current is None and self.create:
            return Create(self.entity).apply(None, now)
        current = _need(current, self.entity.id)
        body, outcome = dict(current.body), Outcome(None)
        for name, attribute in self.entity.body.items():
            if name in META:
                new = None if attribute in (NULL, [NULL]) else attribute
            else:
                new = _merged(body.get(name), attribute, now, replace=False)
                if self.observed_at and isinstance(new, dict) and "observedAt" in (body.get(name) or {}):
                    new = new | {"observedAt": _listed(attribute)[0].get("observedAt", self.observed_at)}
            _set(body, name, new)
            outcome.changed[name] = new
            outcome.updated.append(name)
        outcome.entity = Entity(current.id, _types(current, self.entity.types), body)
        return outcome


def _set(body: Body, name: str, value: Any) -> None:
    if value is None:
        body.pop(name, None)
    else:
        body[name] = value


def _merged(old: Any, new: Any, now: str, *, replace: bool) -> Any:
    """The attribute with each instance of `new` put in, merged in, or taken out; None when nothing is left."""
    instances = _by_dataset(old)
    for change in _listed(new):
        key = change.get("datasetId")
        before = instances.get(key)
        value = change[VALUE_KEY[change["type"]]]
        if value == NULL:
            instances.pop(key, None)
        elif before is None or replace:
            require_values({"attribute": change})
            instances[key] = _stamped(change, before, now)
        else:
            instances[key] = _patched(before, change, now)
    return _packed(list(instances.values())) if instances else None


def _patched(old: dict[str, Any], change: dict[str, Any], now: str) -> dict[str, Any]:
    key = VALUE_KEY[change["type"]]
    if change["type"] != old["type"] and change[key] is not None:
        return _stamped({name: part for name, part in change.items() if part != NULL}, old, now)
    out = dict(old)
    for member, value in change.items():
        if member == "type" or (member == key and value is None):
            continue
        if value == NULL or (isinstance(value, dict) and value.get(VALUE_KEY.get(str(value.get("type")), "")) == NULL):
            out.pop(member, None)
        elif member == key:
            out[member] = _merge_value(old.get(member), value, change["type"])
        elif isinstance(value, dict) and isinstance(out.get(member), dict) and "type" in value:
            out[member] = _merged(out[member], value, now, replace=False)
        else:
            out[member] = value
    out["modifiedAt"] = now
    return out


def _merge_value(old: Any, new: Any, kind: str) -> Any:
    """JSON objects merge member by member (RFC 7396); geometries and everything else are replaced."""
    if kind == "GeoProperty" or not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    out = dict(old)
    for key, value in new.items():
        if value is None or value == NULL:
            out.pop(key, None)
        else:
            out[key] = _merge_value(out.get(key), value, kind)
    return out


@dataclass(frozen=True, slots=True)
class PatchAttribute:
    """PATCH /attrs/{name}: changes members of one instance; `replace` is PUT."""

    entity_id: str
    name: str
    fragment: Any
    replace: bool = False

    def apply(self, current: Entity | None, now: str) -> Outcome:
        current = _need(current, self.entity_id)
        if self.name not in current.body:
            raise NotFound(f"no attribute {self.name}")
        known = _by_dataset(current.body[self.name])
        for instance in _listed(self.fragment):
            if instance.get("datasetId") not in known:
                raise NotFound(f"no instance of {self.name} with that datasetId")
        new = _merged(current.body[self.name], self.fragment, now, replace=self.replace)
        body = dict(current.body)
        _set(body, self.name, new)
        return Outcome(Entity(current.id, current.types, body), {self.name: new}, False, [self.name])


@dataclass(frozen=True, slots=True)
class DeleteAttribute:
    """DELETE /attrs/{name}: the instance of `dataset`, the default one, or all."""

    entity_id: str
    name: str
    dataset: str | None = None
    every: bool = False

    def apply(self, current: Entity | None, now: str) -> Outcome:
        current = _need(current, self.entity_id)
        body = dict(current.body)
        if self.name in META:
            if body.pop(self.name, None) is None:
                raise NotFound(f"no {self.name}")
            return Outcome(Entity(current.id, current.types, body), {self.name: None}, False, [self.name])
        left = _by_dataset(body.get(self.name))
        if not left or (not self.every and self.dataset not in left):
            raise NotFound(f"no such attribute: {self.name}")
        left = {} if self.every else {key: value for key, value in left.items() if key != self.dataset}
        new = _packed(list(left.values())) if left else None
        _set(body, self.name, new)
        return Outcome(Entity(current.id, current.types, body), {self.name: new}, False, [self.name])


@dataclass(frozen=True, slots=True)
class Delete:
    """DELETE /entities/{id}. `missing_ok` makes a second delete harmless (devices that say goodbye twice)."""

    entity_id: str
    missing_ok: bool = False

    def apply(self, current: Entity | None, now: str) -> Outcome:
        if current is None and self.missing_ok:
            return Outcome(None)
        return Outcome(None, {}, False, list(_need(current, self.entity_id).body))


Operation = Create | Replace | Append | Update | Merge | PatchAttribute | DeleteAttribute | Delete

_WITH_ENTITY = (Create, Replace, Append, Update, Merge)


def target_of(operation: Operation) -> str:
    """The id of the entity an operation is about."""
    if isinstance(operation, _WITH_ENTITY):
        return operation.entity.id
    return operation.entity_id


def single_type_guard(types: list[str]) -> str:
    """The first type. Raises BadRequest when there is none."""
    if not types:
        raise BadRequest("an entity needs a type")
    return types[0]
