"""A change of an entity, as history has it and the bus carries it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec


class Change(msgspec.Struct):
    """One change of one entity."""

    seq: int
    op: str
    id: str
    types: list[str]
    at: str
    change: dict[str, Any]

    @property
    def type(self) -> str:
        return self.types[0]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A change as history has it: with what the changed attributes were."""

    change: Change
    before: dict[str, Any]
