"""Who somebody is, as far as anybody could find out: what identity knows and policy judges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["anonymous", "person", "app", "device", "peer"]
ROLES = frozenset(
    {
        "administrator",
        "operator",
        "duty-officer",
        "analyst",
        "department",
        "auditor",
        "app",
        "citizen",
        "kiosk",
        "device",
        "peer",
        "reader",
    }
)
"""Roles of a city. `reader` is what a door without sign-in gives, `app`, `device` and `peer` follow from the kind."""


@dataclass(frozen=True)
class Principal:
    """`id` is unique among those of its kind and never given again: the subject of a person, the id of an app (reverse DNS)
    or of a device, the alias of a peer city. `purpose` is what they say it is for, where they say it."""

    kind: Kind
    id: str
    roles: frozenset[str] = frozenset()
    tenant: str = ""
    department: str = ""
    purpose: str = ""

    @property
    def name(self) -> str:
        """As it stands in the audit log: `person:5f2c...`."""
        return f"{self.kind}:{self.id}"
