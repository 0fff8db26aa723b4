"""What a client is told of a person (OpenID Connect Core 1.0, 5.1 and 5.4). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from madang.trust.identity.person import Person

Claims = dict[str, Any]
CLAIMS_OF = {
    "profile": ("name", "preferred_username", "updated_at"),
    "email": ("email", "email_verified"),
}
"""Which claims a scope opens (5.4)."""


def claims_of(person: Person, scopes: Iterable[str]) -> Claims:
    """What the scopes open of a person (5.4); an address that nobody checked says so."""
    held: Claims = {"name": person.name, "preferred_username": person.login}
    held["updated_at"] = int(person.created_at.timestamp())
    if person.email is not None:
        held |= {"email": person.email, "email_verified": False}
    names = {name for scope in scopes for name in CLAIMS_OF.get(scope, ())}
    return {"sub": person.id} | {name: value for name, value in held.items() if name in names}
