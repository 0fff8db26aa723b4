"""What a device or a client was granted for itself alone, as it is asked for and kept. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from madang.base.errors import BadRequest
from madang.base.limits import ID_MAX_CHARS, PERMISSIONS_MAX
from madang.trust.policy.subjects import Grant

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=ID_MAX_CHARS, pattern=r"^[^\x00-\x1f]*\Z")]
_APART = re.compile(r"[\s,]")


class Permission(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`action` on `subject`, an entity type or a kind of command; of an entity the `attributes`, None for all."""

    action: Literal["read", "write", "command"]
    subject: Name
    attributes: tuple[Name, ...] | None = None

    def grant(self) -> Grant:
        return Grant(self.action, self.subject, None if self.attributes is None else frozenset(self.attributes))

    @property
    def line(self) -> str:
        """As people write it: `read Building height,name`; `read Building ,` for no attribute at all."""
        parts = [self.action, self.subject] + ([] if self.attributes is None else [",".join(self.attributes) or ","])
        return " ".join(parts)


def check_permissions(permissions: Sequence[Permission]) -> None:
    """Raises BadRequest for too many, and for names that no line can hold."""
    if len(permissions) > PERMISSIONS_MAX:
        raise BadRequest(f"permissions: at most {PERMISSIONS_MAX}")
    if any(_APART.search(name) for one in permissions for name in (one.subject, *(one.attributes or ()))):
        raise BadRequest("permissions: a name has no blanks and no commas")


def permissions_in(text: str) -> tuple[Permission, ...]:
    """Of lines of `Permission.line`; blanks may stand around commas. Raises BadRequest naming the line that is none."""
    return tuple(_permission_of(line) for line in text.splitlines() if line.strip())


def _permission_of(line: str) -> Permission:
    action, subject, names = [*line.split(maxsplit=2), "", ""][:3]
    given = {"action": action, "subject": subject}
    attributes = {"attributes": [name.strip() for name in names.split(",") if name.strip()]} if names else {}
    try:
        read = msgspec.convert(given | attributes, Permission)
        check_permissions([read])
    except (msgspec.ValidationError, BadRequest):
        raise BadRequest(
            f"no permission: {line[:100]}; a line is such as: read Building height,name",
            reason="permission_form", line=line[:100],
        ) from None  # fmt: skip
    return read


def kept(permissions: Sequence[Permission]) -> list[Any]:
    """As they stand in the database."""
    built: list[Any] = msgspec.to_builtins(list(permissions))
    return built


def read_permissions(stored: list[Any]) -> tuple[Permission, ...]:
    return msgspec.convert(stored, tuple[Permission, ...])


def grants_of(stored: list[Any]) -> tuple[Grant, ...]:
    return tuple(permission.grant() for permission in read_permissions(stored))
