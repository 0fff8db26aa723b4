"""What somebody could see or do under the policies of now, and why: nothing is done, nobody is asked."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from madang.model.entity import Entity
from madang.model.formula import FALSE, of_types
from madang.trust.caller import Caller
from madang.trust.policy.subjects import Grant
from madang.trust.policy.words import told
from madang.trust.principal import Kind, Principal

Action = Literal["read", "history", "write", "manage", "command"]


class Who(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As `trust.principal.Principal`."""

    kind: Kind
    id: str = ""
    roles: list[str] = []
    tenant: str = ""
    department: str = ""
    purpose: str = ""

    def principal(self) -> Principal:
        return Principal(self.kind, self.id, frozenset(self.roles), self.tenant, self.department, self.purpose)


class Granted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As `Grant`."""

    action: Literal["read", "write", "command"]
    subject: str
    attributes: list[str] | None = None

    def grant(self) -> Grant:
        return Grant(self.action, self.subject, None if self.attributes is None else frozenset(self.attributes))


class What(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of: a `service`, a kind of `command`, an `entity` by its id, entities of a `type`, or nothing for all entities."""

    service: str = ""
    command: str = ""
    entity: str = ""
    type: str = ""


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`tenant` is where they ask, `grants` those of an app or a device (None: those that an installed app has)."""

    principal: Who
    action: Action
    resource: What = What()
    tenant: str = ""
    grants: list[Granted] | None = None


def of_subject(caller: Caller, action: str, subject: str) -> dict[str, Any]:
    """Of a service, or a kind of command."""
    found = caller.decide(action, subject)
    return {"decision": "allow" if found.allowed else "deny", "rules": list(found.rules)}


def of_entities(caller: Caller, action: str, types: tuple[str, ...]) -> dict[str, Any]:
    """Of all entities of exactly these types; of all there are when none is given."""
    sight = caller.sight(action)
    rules = caller.residue(action)
    here = sight.of_types(types) if types else sight
    concerned = [name for name, one in (*rules.permits, *rules.forbids) if not types or of_types(one, types) != FALSE]
    return {
        "decision": "allow" if here.whole else "deny" if here.blind else "some",
        "rules": sorted(concerned),
        "entities": told(here.visible),
        "attributes": {name: told(formula) for name, formula in sorted(here.named.items())},
        "other_attributes": told(here.other),
    }


def of_entity(caller: Caller, action: str, entity: Entity) -> dict[str, Any]:
    """Of one entity as it is, with the attributes of it that are open."""
    opened = caller.sight(action).of(entity)
    names = sorted(name for name in entity.body if name in opened)
    closed = sorted(set(entity.body) - set(names))
    decision = "deny" if opened.empty else "allow" if not closed else "some"
    rules = caller.forbidding(action, tuple(entity.types), closed[0] if closed else None) if decision != "allow" else ()
    return {"decision": decision, "rules": list(rules), "open": names, "closed": closed}
