"""What must hold of an entity before a write of it is done: its types and its version (clause 4.17; RFC 9110, 13.1), pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from madang.base.errors import NotFound, PreconditionFailed
from madang.model.entity import Entity
from madang.model.outcome import Outcome
from madang.model.selection import Selection

if TYPE_CHECKING:
    from madang.model.operations import Operation

ANY = 0
"""Among versions: whichever there is. No stored entity has it."""


@dataclass(frozen=True, slots=True)
class Condition:
    """The entity is of `types`, in one of the versions of `match` (numbers of changes) and in none of `none_match`; None
    where nothing is asked."""

    types: Selection | None = None
    match: frozenset[int] | None = None
    none_match: frozenset[int] | None = None

    def check(self, current: Entity | None, version: int, entity_id: str) -> None:
        """`version` is the number of the change that left the entity so. Raises NotFound for other types, PreconditionFailed
        for another version."""
        if self.types is not None and (current is None or not self.types.accepts(current.types.__contains__)):
            raise NotFound(f"no entity {entity_id} of such a type")
        if self.match is not None and not _is_in(current, version, self.match):
            raise PreconditionFailed(f"{entity_id} is not as If-Match says")
        if self.none_match is not None and _is_in(current, version, self.none_match):
            raise PreconditionFailed(f"{entity_id} is as If-None-Match says")


def _is_in(current: Entity | None, version: int, versions: frozenset[int]) -> bool:
    # What an earlier write of the same batch left has no number yet, and so is no version that anybody read.
    return current is not None and (ANY in versions or (version != 0 and version in versions))


@dataclass(frozen=True, slots=True)
class Guarded:
    """An operation that is done only while its condition holds, which whoever knows the version asks first."""

    operation: Operation
    condition: Condition

    @property
    def target(self) -> str:
        """The id of the entity that the operation is about."""
        return self.operation.target

    def apply(self, current: Entity | None, now: str) -> Outcome:
        return self.operation.apply(current, now)
