"""What was asked, what was granted, and what of it is new: sets of scopes compared. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from madang.base.errors import BadRequest
from madang.runtime.manifest import Scope


def subject(scope: Scope) -> tuple[str, str]:
    """What the scope is about: action, and type or kind."""
    return scope.action, scope.kind or scope.type


def covers(wide: Scope, narrow: Scope) -> bool:
    """Whether who was granted `wide` has all of `narrow`. One area is only ever within itself; how long things are kept counts too."""
    if subject(wide) != subject(narrow) or (wide.area and _place(wide) != _place(narrow)):
        return False
    if wide.retention_days is not None and (
        narrow.retention_days is None or narrow.retention_days > wide.retention_days
    ):
        return False
    if wide.attributes is None:
        return True
    return narrow.attributes is not None and set(narrow.attributes) <= set(wide.attributes)


def within(granted: Iterable[Scope], asked: Sequence[Scope]) -> list[Scope]:
    """What is granted, when all of it was asked for. Raises BadRequest."""
    given = list(granted)
    for scope in given:
        if not any(covers(one, scope) for one in asked):
            raise BadRequest(f"it did not ask to {' '.join(subject(scope))} so")
    return given


def new_in(asked: Iterable[Scope], before: Sequence[Scope]) -> list[Scope]:
    """Scopes of an update that the version before did not ask for."""
    return [scope for scope in asked if not any(covers(one, scope) for one in before)]


def carried(granted: Iterable[Scope], asked: Sequence[Scope]) -> list[Scope]:
    """What stays granted under another version: of each grant as much as that version still asks for."""
    out: list[Scope] = []
    for grant in granted:
        for scope in asked:
            if subject(scope) == subject(grant):
                cut = _narrower(grant, scope)
                out += [cut] if cut is not None and cut not in out else []
    return out


def narrowed(granted: Iterable[Scope], about: tuple[str, str], attributes: Sequence[str]) -> list[Scope]:
    """With no other attributes of that subject than these. Raises BadRequest when they are more than was granted, or none."""
    out, found = [], False
    for scope in granted:
        if subject(scope) != about:
            out.append(scope)
            continue
        kept = [name for name in attributes if scope.attributes is None or name in scope.attributes]
        if kept:
            out.append(msgspec.structs.replace(scope, attributes=kept))
            found = True
    if not found or about[0] == "command":
        raise BadRequest("none of these attributes was granted")
    return out


def without(granted: Iterable[Scope], about: tuple[str, str]) -> list[Scope]:
    return [scope for scope in granted if subject(scope) != about]


def _narrower(grant: Scope, scope: Scope) -> Scope | None:
    if grant.area and scope.area and _place(grant) != _place(scope):
        return None
    attributes = scope.attributes
    if grant.attributes is not None:
        attributes = [name for name in grant.attributes if scope.attributes is None or name in scope.attributes]
        if not attributes:
            return None
    days = [one for one in (grant.retention_days, scope.retention_days) if one is not None]
    return msgspec.structs.replace(
        scope, attributes=attributes, retention_days=min(days) if days else None,
        area=grant.area or scope.area, rings=grant.rings if grant.area else scope.rings,
    )  # fmt: skip


def _place(scope: Scope) -> tuple[str, Any]:
    """A file of the same name may hold another area."""
    return scope.area, scope.rings
