"""Who is asking, and what they may do: the one gate of every door. Default deny, by the policies of `trust/policy/`.

What was decided once is remembered until a policy changes: asking again is a look into a dict.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from madang.base.errors import Forbidden
from madang.model.formula import FALSE, about, every, of_types
from madang.model.sight import BLIND, Sight
from madang.trust.policy.ruling import Decision, Residue
from madang.trust.policy.subjects import Grant, confined
from madang.trust.principal import Principal

if TYPE_CHECKING:
    from madang.trust.policy.gate import Gate

_DECISIONS_KEPT = 1_000  # a caller may name kinds of command that nobody knows
_NOTHING = Residue((), ())


@dataclass(frozen=True)
class Claim:
    """Who somebody is, what was granted to them alone, and in which tenant they ask."""

    principal: Principal
    grants: tuple[Grant, ...] = ()
    tenant: str = ""

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.principal, self.grants, self.tenant))


class Caller:
    """One claim under one policy set. `gate` None: nobody, who may nothing."""

    def __init__(self, claim: Claim, gate: Gate | None = None) -> None:
        self.claim, self.principal = claim, claim.principal
        self.name = "anonymous" if claim.principal.kind == "anonymous" else claim.principal.name
        self._gate = gate
        self._generation = gate.generation if gate is not None else 0
        self.restricted: dict[tuple[str, int], tuple[Any, Any]] = {}
        """Questions, by action and identity, with what is left of them for this caller: parsed queries are held and come again."""
        self._decisions: dict[tuple[str, str], Decision] = {}
        self._residues: dict[str, tuple[Residue, Sight]] = {}

    def now(self) -> Caller:
        """The same under the policies of now."""
        if self._gate is None or self._gate.generation == self._generation:
            return self
        return self._gate.caller(self.claim)

    def at(self, tenant: str) -> Caller:
        """The same, asking in a tenant."""
        return self if self._gate is None else self._gate.caller(replace(self.claim, tenant=tenant))

    def known_as(self, claim: Claim) -> Caller:
        """Somebody else at the same gate."""
        return NOBODY if self._gate is None else self._gate.caller(claim)

    @cached_property
    def reads(self) -> Sight:
        """What it may see of the present."""
        return self.sight("read")

    @cached_property
    def writes(self) -> Sight:
        """What it may change."""
        return self.sight("write")

    @cached_property
    def everything(self) -> bool:
        """Whether reads of this caller need no filter."""
        return self.reads.whole

    def sight(self, action: str) -> Sight:
        """`action`: read, history or write."""
        return self._of_entities(action)[1]

    def residue(self, action: str) -> Residue:
        """What each policy says of it."""
        return self._of_entities(action)[0]

    def _of_entities(self, action: str) -> tuple[Residue, Sight]:
        found = self._residues.get(action)
        if found is None:
            residue = _NOTHING if self._gate is None else self._gate.residue(self.claim, action)
            found = self._residues[action] = (residue, self._sight(residue, action))
        return found

    def _sight(self, residue: Residue, action: str) -> Sight:
        if self._gate is None or not residue.permits:
            return BLIND
        return self._gate.sight(every([residue.allowed, confined(self.claim.grants, action)]))

    def decide(self, action: str, subject: str) -> Decision:
        """Of a service of the city, or with `command` of a kind of command."""
        key = (action, subject)
        found = self._decisions.get(key)
        if found is None:
            found = Decision(False) if self._gate is None else self._gate.decide(self.claim, action, subject)
            if len(self._decisions) >= _DECISIONS_KEPT:
                self._decisions.clear()
            self._decisions[key] = found
        return found

    def may(self, action: str, subject: str) -> bool:
        return self.decide(action, subject).allowed

    def require(self, action: str, subject: str) -> None:
        """Raises Forbidden naming what is missing, and the rule that forbids it."""
        found = self.decide(action, subject)
        if not found.allowed:
            raise self.refusal(f"{action} {subject}", found.rules)

    def require_whole(self, action: str) -> None:
        """Raises Forbidden unless every entity is open to the action."""
        if not self.sight(action).whole:
            raise self.refusal(f"{action} all entities", self.forbidding(action, (), None))

    def require_types(self, action: str, types: Iterable[str]) -> None:
        """Raises Forbidden unless some attribute of an entity of each of these types may be open to the action."""
        for name in types:
            if self.sight(action).of_types((name,)).blind:
                raise self.refusal(f"{action} {name}", self.forbidding(action, (name,), None))

    def forbidding(self, action: str, types: tuple[str, ...], attribute: str | None) -> tuple[str, ...]:
        """The policies that forbid it, in some entity of these types."""
        found = ((name, of_types(about(one, attribute), types)) for name, one in self.residue(action).forbids)
        return tuple(name for name, one in found if one != FALSE)

    def refusal(self, what: str, rules: tuple[str, ...] = ()) -> Forbidden:
        """The error that says so, with `rules` as an extension member of the problem (RFC 7807)."""
        why = f"rule {', '.join(rules)} forbids it" if rules else "no rule permits it"
        return Forbidden(f"{self.name} was not granted to {what}: {why}", rules=list(rules))


UNKNOWN = Claim(Principal("anonymous", ""))
"""Of whom nothing is known."""
NOBODY = Caller(UNKNOWN)
