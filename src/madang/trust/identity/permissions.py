"""What a device or a client was granted for itself alone, as it is asked for and kept. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from madang.base.errors import BadRequest
from madang.base.limits import ID_MAX_CHARS, PERMISSIONS_MAX
from madang.trust.policy.subjects import Grant

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=ID_MAX_CHARS, pattern=r"^[^\x00-\x1f]*\Z")]


class Permission(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`action` on `subject`, an entity type or a kind of command; of an entity the `attributes`, None for all."""

    action: Literal["read", "write", "command"]
    subject: Name
    attributes: tuple[Name, ...] | None = None

    def grant(self) -> Grant:
        return Grant(self.action, self.subject, None if self.attributes is None else frozenset(self.attributes))


def check_permissions(permissions: Sequence[Permission]) -> None:
    """Raises BadRequest for too many."""
    if len(permissions) > PERMISSIONS_MAX:
        raise BadRequest(f"permissions: at most {PERMISSIONS_MAX}")


def kept(permissions: Sequence[Permission]) -> list[Any]:
    """As they stand in the database."""
    built: list[Any] = msgspec.to_builtins(list(permissions))
    return built


def read_permissions(stored: list[Any]) -> tuple[Permission, ...]:
    return msgspec.convert(stored, tuple[Permission, ...])


def grants_of(stored: list[Any]) -> tuple[Grant, ...]:
    return tuple(permission.grant() for permission in read_permissions(stored))
