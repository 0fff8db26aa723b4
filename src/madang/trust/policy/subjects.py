"""Principals and their grants, departments and groups, as entities of Cedar's JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from madang.model.formula import Area, Formula, OfAttribute, OfType, Ring, Within, either, every, negated
from madang.trust.policy.source import Keeps
from madang.trust.principal import Principal

Json = dict[str, Any]
KINDS = {"person": "Person", "app": "App", "device": "Device", "peer": "Peer", "anonymous": "Anonymous"}


@dataclass(frozen=True)
class Grant:
    """What an app or a device was granted for itself. `action` read, write or command; `subject` an entity type or command
    kind; `attributes` None for all; `area` rings of longitude and latitude beyond which it was granted nothing, None for everywhere."""

    action: str
    subject: str
    attributes: frozenset[str] | None = None
    area: tuple[Ring, ...] | None = None


def uid(kind: str, name: str) -> Json:
    return {"type": kind, "id": name}


ACTIONS: list[Json] = [
    {"uid": uid("Action", name), "attrs": {}, "parents": [uid("Action", parent) for parent in parents]}
    for name, parents in (("read", ()), ("history", ("read",)), ("write", ()), ("manage", ()), ("command", ()))
]
"""As the schema has them."""


def principal_uid(principal: Principal) -> Json:
    return uid(KINDS[principal.kind], principal.id)


def subjects(principal: Principal, grants: Iterable[Grant], departments: Mapping[str, Keeps]) -> list[Json]:
    """The principal and its department."""
    keeps = departments.get(principal.department, Keeps())
    department = {
        "uid": uid("Department", principal.department),
        "attrs": {"types": _links("Type", keeps.types), "areas": _links("Area", keeps.areas)},
        "parents": [],
    }
    attrs = {
        "name": principal.name,
        "tenant": principal.tenant,
        "department": {"__entity": department["uid"]},
        **_granted(list(grants)),
    }
    roles = [uid("Role", name) for name in sorted(principal.roles)]
    return [{"uid": principal_uid(principal), "attrs": attrs, "parents": roles}, department]


def _granted(grants: list[Grant]) -> Json:
    out: Json = {}
    for action, whole, part in (("read", "reads", "readsOf"), ("write", "writes", "writesOf")):
        mine = [one for one in grants if one.action == action]
        out[whole] = _links("Type", {one.subject for one in mine if one.attributes is None})
        out[part] = _links("Field", {f"{one.subject} {name}" for one in mine for name in one.attributes or ()})
    return out | {"commands": _links("Command", {one.subject for one in grants if one.action == "command"})}


def confined(grants: Iterable[Grant], action: str) -> Formula:
    """What grants that are bound to an area leave of the types they are about. Policies say what is permitted of a type; where,
    the grant says itself. `action`: read, history or write."""
    mine = [one for one in grants if one.action == ("write" if action == "write" else "read")]
    bound = sorted({one.subject for one in mine if one.area is not None})
    return every(
        either([negated(OfType(name)), *(_part(one) for one in mine if one.subject == name)]) for name in bound
    )


def _part(grant: Grant) -> Formula:
    where = [Within(Area("", grant.area))] if grant.area is not None else []
    what = [either(OfAttribute(name) for name in sorted(grant.attributes))] if grant.attributes is not None else []
    return every([*where, *what])


def _links(kind: str, names: Iterable[str]) -> list[Json]:
    return [{"__entity": uid(kind, name)} for name in sorted(names)]


def types_in(groups: Mapping[str, Sequence[str]]) -> list[Json]:
    """Every grouped type with its groups."""
    of: dict[str, list[str]] = {}
    for name, types in groups.items():
        for one in types:
            of.setdefault(one, []).append(name)
    return [
        {"uid": uid("Type", one), "attrs": {}, "parents": [uid("Group", name) for name in names]}
        for one, names in of.items()
    ]


def thing(kind: str, name: str, tenant: str) -> str:
    """A Service or a Command as JSON."""
    return json.dumps([{"uid": uid(kind, name), "attrs": {"tenant": tenant}, "parents": []}])


def part_of_entity(
    identifier: str, types: Sequence[str], attribute: str, areas: Iterable[str], owner: Iterable[str], tenant: str
) -> str:
    """One attribute of one entity as JSON."""
    parents = [
        *(uid("Type", name) for name in types),
        uid("Attribute", attribute),
        *(uid("Field", f"{name} {attribute}") for name in types),
        *(uid("Area", name) for name in areas),
    ]
    attrs = {"tenant": tenant, "owner": sorted(owner)}
    return json.dumps([{"uid": uid("Entity", identifier), "attrs": attrs, "parents": parents}])
