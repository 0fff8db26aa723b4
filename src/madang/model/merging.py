"""How changes of one attribute meet what is stored: put, replace, patch, merge (clauses 5.5.8, 5.5.12).

An attribute is one instance or a list of instances with distinct `datasetId`s (see `model.entity`); nothing is changed in
place.
"""

from __future__ import annotations

from typing import Any

from madang.base.errors import BadRequest, NotFound
from madang.model.entity import META, Body, require_value, require_values
from madang.model.kinds import NULL, VALUE_KEY
from madang.model.values import is_one_of

Instance = dict[str, Any]


def listed(attribute: Any) -> list[Instance]:
    """The instances of an attribute."""
    return attribute if isinstance(attribute, list) else [attribute]


def packed(instances: list[Instance]) -> Any:
    """The attribute that has these instances; None without any."""
    return None if not instances else instances[0] if len(instances) == 1 else instances


def by_dataset(attribute: Any) -> dict[str | None, Instance]:
    """The instances by `datasetId`, the default one under None."""
    return {instance.get("datasetId"): instance for instance in listed(attribute)} if attribute is not None else {}


def stamped(new: Instance, old: Instance | None, now: str) -> Instance:
    """`new` with its times; it keeps the creation time of `old`."""
    out = new.copy()
    out["createdAt"] = old.get("createdAt", now) if old else now
    out["modifiedAt"] = now
    return out


def put(old: Any, new: Any, now: str) -> Any:
    """The attribute after `new` replaced the instances of the same datasetId; the others stay."""
    if type(new) is dict and (old is None or _are_plain(new, old)):
        return stamped(new, old, now)
    instances = by_dataset(old)
    for instance in listed(new):
        key = instance.get("datasetId")
        instances[key] = stamped(instance, instances.get(key), now)
    return packed(list(instances.values()))


def fresh(body: Body, now: str, old: Body | None = None) -> Body:
    """A whole body as it is stored; attributes that were in `old` keep their creation time. Raises BadRequest for an
    attribute without a value."""
    known = old or {}
    out: Body = {}
    for name, attribute in body.items():
        if name in META:
            out[name] = attribute
            continue
        before = known.get(name)
        if type(attribute) is dict and (before is None or _are_plain(attribute, before)):
            require_value(name, attribute)
            out[name] = stamped(attribute, before, now)
        else:
            require_values({name: attribute})
            previous = by_dataset(before)
            out[name] = packed([stamped(new, previous.get(new.get("datasetId")), now) for new in listed(attribute)])
    return out


def _are_plain(new: Instance, old: Any) -> bool:
    """Whether both are the one default instance, as nearly all are."""
    return type(old) is dict and "datasetId" not in old and "datasetId" not in new


def set_or_remove(body: dict[Any, Any], name: str | None, value: Any) -> None:
    if value is None:
        body.pop(name, None)
    else:
        body[name] = value


def is_null(instance: Instance) -> bool:
    """Whether an instance asks for its own deletion (NGSI-LD Null, clause 4.5.0)."""
    return bool(instance[VALUE_KEY[instance["type"]]] == NULL)


def replaced(old: Any, new: Any, now: str) -> Any:
    """The attribute with each instance of `new` put in, or taken out when it is null; None when nothing is left."""
    instances = by_dataset(old)
    for change in listed(new):
        key = change.get("datasetId")
        if is_null(change):
            instances.pop(key, None)
        else:
            require_values({"attribute": change})
            instances[key] = stamped(without_nulls(change), instances.get(key), now)
    return packed(list(instances.values()))


def patched(old: Any, new: Any, now: str) -> Any:
    """Partial update of one attribute: members of the fragment replace those of the instance (clause 5.6.4).

    Raises NotFound when there is no such instance, BadRequest for another type.
    """
    instances = by_dataset(old)
    for change in listed(new):
        key = change.get("datasetId")
        before = instances.get(key)
        if before is None:
            raise NotFound("no instance of the attribute with that datasetId")
        if change["type"] != before["type"]:
            raise BadRequest(f"a partial update cannot make a {change['type']} of a {before['type']}")
        if is_null(change):
            instances.pop(key)
        else:
            instances[key] = _patched_members(before, change) | {"modifiedAt": now}
    return packed(list(instances.values()))


def _patched_members(old: Instance, change: Instance) -> Instance:
    out = dict(old)
    for member, value in change.items():
        if _is_null_member(value):
            out.pop(member, None)
        elif value is not None:
            out[member] = value
    return out


def merged(old: Any, new: Any, now: str) -> Any:
    """JSON merge patch of the instances (clause 5.5.12); None when nothing is left."""
    if type(new) is dict and _are_plain(new, old):
        return _merged_instance(old, new, now)
    instances = by_dataset(old)
    for change in listed(new):
        after = _merged_instance(instances.get(change.get("datasetId")), change, now)
        set_or_remove(instances, change.get("datasetId"), after)
    return packed(list(instances.values()))


def _merged_instance(old: Instance | None, change: Instance, now: str) -> Instance | None:
    if is_null(change):
        return None
    if old is None:
        require_value("attribute", change)
        return stamped(without_nulls(change), None, now)
    key = VALUE_KEY[change["type"]]
    if change["type"] != old["type"] and change[key] is not None:
        return stamped(without_nulls(change), old, now)
    out = dict(old)
    for member, value in change.items():
        if member == "type" or (member == key and value is None):
            continue
        if _is_null_member(value):
            out.pop(member, None)
        elif member == key:
            out[member] = _merged_value(old.get(member), value, change["type"])
        elif isinstance(value, dict) and isinstance(out.get(member), dict) and "type" in value:
            set_or_remove(out, member, merged(out[member], value, now))
        else:
            out[member] = value
    out["modifiedAt"] = now
    return out


def _merged_value(old: Any, new: Any, kind: str) -> Any:
    """JSON objects merge member by member (RFC 7396); geometries and everything else are replaced."""
    if kind == "GeoProperty" or not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    out = dict(old)
    for key, value in new.items():
        if value is None or value == NULL:
            out.pop(key, None)
        else:
            out[key] = _merged_value(out.get(key), value, kind)
    return out


def _is_null_member(value: Any) -> bool:
    return bool(
        value == NULL or (isinstance(value, dict) and is_one_of(value.get("type"), VALUE_KEY) and is_null(value))
    )


def without_nulls(instance: Instance) -> Instance:
    """An instance without the members that a change wanted gone."""
    return {name: value for name, value in instance.items() if not _is_null_member(value)}
