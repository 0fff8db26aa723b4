"""Ids: `urn:ngsi-ld:<Type>:<city>:<local-id>`, and bus subjects made of them."""

from __future__ import annotations

import re

URN_PREFIX = "urn:ngsi-ld:"
_SAFE = re.compile(r"[^A-Za-z0-9_\-]+")


def entity_id(type_name: str, city: str, local_id: str) -> str:
    """The city's own id of a thing."""
    return f"{URN_PREFIX}{type_name}:{city}:{local_id}"


def local_part(entity_urn: str) -> str:
    """What stands after type and city, or the whole id when it is somebody else's."""
    parts = entity_urn.split(":", 4)
    return parts[4] if len(parts) == 5 and entity_urn.startswith(URN_PREFIX) else entity_urn


def subject_token(text: str) -> str:
    """A bus subject token: no dots, blanks, wildcards."""
    return _SAFE.sub("_", text) or "_"
