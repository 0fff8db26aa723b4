"""A policy set that was read and checked, and what Cedar decides by it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cedarpy
import structlog

from madang.model.entity import Entity
from madang.model.formula import FALSE, TRUE, Formula, Within, either, every, holds, negated, owners_of
from madang.trust.policy.residual import Reader, Unfit, check_policy
from madang.trust.policy.source import SCHEMA, Policy, PolicyError, Source, read_source
from madang.trust.policy.subjects import ACTIONS, Grant, part_of_entity, principal_uid, subjects, thing, types_in, uid
from madang.trust.principal import Principal

log = structlog.get_logger()
_ESCAPES = {'"': '\\"', "'": "\\'", "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}
Rules = tuple[tuple[str, Formula], ...]


@dataclass(frozen=True)
class Moment:
    """What of the time a policy may ask: `hour` 0 to 23, `weekday` 1 (Monday) to 7, of the city."""

    hour: int = 0
    weekday: int = 1


@dataclass(frozen=True)
class Decision:
    """`rules` are the ids of the policies that decided: those that permitted, or those that forbade. None: no rule permits."""

    allowed: bool
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Residue:
    """What one principal may by each policy that may speak of entities."""

    permits: Rules
    forbids: Rules

    @property
    def allowed(self) -> Formula:
        return every([either(one for _, one in self.permits), negated(either(one for _, one in self.forbids))])


class Ruling:
    """Decides. Nothing in it changes. Raises PolicyError for files that cannot be used."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._schema = cedarpy.Schema.from_str(SCHEMA.read_text("utf-8"))
        self._check()
        whole = {"staticPolicies": {one.id: one.est for one in source.policies}, "templates": {}, "templateLinks": []}
        self._policies = cedarpy.PolicySet.from_json_str(json.dumps(whole))
        self._base = cedarpy.Entities.from_json_str(json.dumps(types_in(source.groups) + ACTIONS))
        self.by_id: dict[str, Policy] = {one.id: one for one in source.policies}
        self.timed = any(word in one.text for one in source.policies for word in ("context.hour", "context.weekday"))

    def _check(self) -> None:
        for one in self.source.policies:
            found = cedarpy.validate_policies(one.text, self._schema)
            if not found:
                raise PolicyError(one.file, one.line, found.errors[0].error.replace("`policy0`", repr(one.id)))
            try:
                check_policy(one.est)
            except Unfit as error:
                raise PolicyError(one.file, one.line, f"{one.id}: {error}") from None

    def known(self, principal: Principal, grants: Iterable[Grant]) -> cedarpy.Entities:
        """The principal, read once for many decisions."""
        told = json.dumps(subjects(principal, grants, self.source.departments))
        return self._base.with_added_json_str(told)

    def decide(
        self,
        principal: Principal,
        known: cedarpy.Entities,
        action: str,
        kind: str,
        name: str,
        tenant: str,
        moment: Moment,
    ) -> Decision:
        """Of a Service or a Command."""
        return self._decide(principal, known, action, uid(kind, name), thing(kind, name, tenant), moment)

    def decide_entity(
        self,
        principal: Principal,
        known: cedarpy.Entities,
        action: str,
        entity: Entity,
        attribute: str,
        tenant: str,
        moment: Moment,
    ) -> Decision:
        """Of one attribute of one entity, by Cedar alone: what a residue must agree with."""
        areas = [area.name for area in self.source.areas.values() if holds(Within(area), entity)]
        told = part_of_entity(entity.id, entity.types, attribute, areas, owners_of(entity), tenant)
        return self._decide(principal, known, action, uid("Entity", entity.id), told, moment)

    def _decide(
        self, principal: Principal, known: cedarpy.Entities, action: str, resource: Any, told: str, moment: Moment
    ) -> Decision:
        request = {
            "principal": principal_uid(principal),
            "action": uid("Action", action),
            "resource": resource,
            "context": _context(principal, moment),
        }
        found = cedarpy.is_authorized(request, self._policies, known.with_added_json_str(told))
        if found.diagnostics.errors:
            log.error("a policy could not be judged", errors=[str(one) for one in found.diagnostics.errors])
            return Decision(False)
        return Decision(found.allowed, tuple(sorted(found.diagnostics.reasons)))

    def residue(
        self, principal: Principal, known: cedarpy.Entities, action: str, tenant: str, moment: Moment
    ) -> Residue:
        """Of all entities of a tenant at once."""
        request = {
            "principal": _text(principal_uid(principal)),
            "action": f'Action::"{action}"',
            "context": _context(principal, moment),
        }
        found = cedarpy.is_authorized_partial(request, self._policies, known)
        if found.diagnostics.errors:
            log.error("policies could not be judged", errors=[str(one) for one in found.diagnostics.errors])
            return Residue((), ())
        reader = Reader(tenant, self.source.groups, self.source.areas)
        rules: dict[str, list[tuple[str, Formula]]] = {"permit": [], "forbid": []}
        for name, residual in sorted(found.residuals.items()):
            formula = _closed(reader, name, residual)
            if formula != FALSE:
                rules[residual["effect"]].append((name, formula))
        return Residue(tuple(rules["permit"]), tuple(rules["forbid"]))


def _closed(reader: Reader, name: str, residual: Any) -> Formula:
    """What cannot be read permits nothing and forbids everything."""
    try:
        return reader.policy(residual)
    except (Unfit, KeyError, TypeError, ValueError) as error:
        log.error("a policy left something that is no filter", policy=name, error=repr(error))
        return TRUE if residual["effect"] == "forbid" else FALSE


def _context(principal: Principal, moment: Moment) -> dict[str, Any]:
    return {"purpose": principal.purpose, "hour": moment.hour, "weekday": moment.weekday}


def _text(one: dict[str, str]) -> str:
    """In Cedar's own words, the one spelling that it takes: partial evaluation takes no JSON here."""
    plain = (_ESCAPES.get(char) or (char if char.isprintable() else f"\\u{{{ord(char):x}}}") for char in one["id"])
    return f'{one["type"]}::"{"".join(plain)}"'


def read_ruling(folders: list[Path]) -> Ruling:
    """Reads, checks and compiles a policy set. Raises PolicyError with the file, the line and the reason."""
    return Ruling(read_source(folders))
