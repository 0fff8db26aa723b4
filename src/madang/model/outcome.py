"""What a write came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from madang.base.errors import NotFound
from madang.model.entity import Entity


@dataclass(slots=True)
class Outcome:
    """`entity` is what is true now (None: gone). `changed` maps attribute names to their new value, None for deleted."""

    entity: Entity | None
    changed: dict[str, Any] = field(default_factory=dict)
    created: bool = False
    updated: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def need(current: Entity | None, entity_id: str) -> Entity:
    """The entity. Raises NotFound."""
    if current is None:
        raise NotFound(f"no entity {entity_id}")
    return current
