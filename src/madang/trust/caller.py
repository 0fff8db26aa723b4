"""Who is asking, and what they may do: the one gate of every door. Default deny.

Anonymous callers get the role the door was opened with (`operator` on the demo's loopback door, `reader` otherwise, none on
the app door). An app has grants, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from madang.base.errors import Forbidden

ROLE_ACTIONS = {
    "operator": frozenset({"read", "write", "command", "manage"}),
    "reader": frozenset({"read"}),
    "device": frozenset({"read", "write"}),
}


@dataclass(frozen=True)
class Grant:
    """`action` read, write or command; `subject` an entity type or command kind; `attributes` None for all."""

    action: str
    subject: str
    attributes: frozenset[str] | None = None


@dataclass(frozen=True)
class Caller:
    """One principal. `role` for people and devices; `grants` for apps."""

    name: str
    role: str | None = None
    grants: tuple[Grant, ...] = ()

    @property
    def everything(self) -> bool:
        """Whether reads of this caller need no filter."""
        return self.role in ROLE_ACTIONS and "read" in ROLE_ACTIONS[self.role]

    def may(self, action: str, subject: str) -> bool:
        """Whether any attribute of `subject` is open to `action`."""
        if self.role is not None:
            return action in ROLE_ACTIONS.get(self.role, frozenset())
        return any(grant.action == action and grant.subject == subject for grant in self.grants)

    def require(self, action: str, subject: str) -> None:
        """Raises Forbidden naming what is missing."""
        if not self.may(action, subject):
            raise Forbidden(f"{self.name} was not granted to {action} {subject}")

    def attributes(self, action: str, types: Iterable[str]) -> frozenset[str] | None:
        """The attributes of such an entity open to `action`; None for all of them."""
        if self.role is not None:
            return None if any(self.may(action, name) for name in types) else frozenset()
        names = set(types)
        open_to: set[str] = set()
        for grant in self.grants:
            if grant.action == action and grant.subject in names:
                if grant.attributes is None:
                    return None
                open_to |= grant.attributes
        return frozenset(open_to)

    def readable_types(self) -> tuple[str, ...] | None:
        """The only types this caller may read; None when all."""
        if self.everything:
            return None
        return tuple(sorted({grant.subject for grant in self.grants if grant.action == "read"}))


NOBODY = Caller("anonymous")
