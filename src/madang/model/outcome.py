"""What a write came to."""

from __future__ import annotations

from typing import Any

import msgspec

from madang.base.errors import NotFound
from madang.model.entity import Entity


class Outcome(msgspec.Struct, gc=False):
    """`entity` is what is true now (None: gone). `changed` maps attribute names to their new value, None for deleted."""

    entity: Entity | None
    changed: dict[str, Any] = {}
    created: bool = False
    updated: list[str] = []
    refused: dict[str, str] = {}


def need(current: Entity | None, entity_id: str) -> Entity:
    """The entity. Raises NotFound."""
    if current is None:
        raise NotFound(f"no entity {entity_id}")
    return current
