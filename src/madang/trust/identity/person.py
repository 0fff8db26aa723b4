"""A person's account, and which of their roles count. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from madang.base.errors import BadRequest
from madang.base.limits import IDENTITY_NAME_MAX_CHARS
from madang.trust.principal import ROLES, Principal

PERSONS_ROLES = ROLES - {"app", "device", "peer", "reader"}
STRONG_ROLES = frozenset({"administrator", "operator", "duty-officer"})
"""They move the city or decide who may: two factors, or they do not count."""
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}")
_EMAIL = re.compile(r"[^\s@<>\"]{1,64}@[^\s@<>\"]{1,190}")


@dataclass(frozen=True)
class Person:
    """`login` is None once the account has ended; `tenant` is empty for the city's own people. `password`: in PHC form; `totp`:
    sealed; `totp_step`: the last code that was taken."""

    id: str
    login: str | None
    name: str
    email: str | None
    roles: frozenset[str]
    department: str
    tenant: str
    password: str | None
    totp: bytes | None
    totp_step: int
    created_at: datetime
    ended_at: datetime | None

    def principal(self, roles: frozenset[str]) -> Principal:
        """Who it is to policy, with the roles that are in force."""
        return Principal("person", self.id, roles, self.tenant, self.department)


def is_strong(methods: Iterable[str]) -> bool:
    """Whether two factors were shown (RFC 8176): a passkey with its own lock, or a password and a code."""
    return "mfa" in methods


def roles_in_force(roles: Iterable[str], methods: Iterable[str]) -> frozenset[str]:
    """The roles that count after signing in by `methods`."""
    held = frozenset(roles) & PERSONS_ROLES
    return held if is_strong(methods) else held - STRONG_ROLES


def may_change_factors(methods: Iterable[str], has_second_factor: bool) -> bool:
    """Whether a session may add or remove what its person signs in with: who knows the password alone must not put a second
    factor of their own beside one that is there."""
    return is_strong(methods) or not has_second_factor


def acr_of(methods: Iterable[str]) -> str:
    """The authentication context of an id_token: `phr` (OpenID EAP ACR) by a passkey, `mfa` by password and code, else `pwd`."""
    shown = frozenset(methods)
    return "phr" if "hwk" in shown else "mfa" if "mfa" in shown else "pwd"


def checked_login(text: str) -> str:
    """In lower case. Raises BadRequest."""
    login = text.strip().lower()
    if not _LOGIN.fullmatch(login):
        raise BadRequest("a login has 1 to 100 of a-z, 0-9, ., _, @, + and -", reason="login_form")
    return login


def checked_name(text: str) -> str:
    """Raises BadRequest."""
    name = " ".join(text.split())
    if not 1 <= len(name) <= IDENTITY_NAME_MAX_CHARS or not name.isprintable():
        raise BadRequest(f"a name has 1 to {IDENTITY_NAME_MAX_CHARS} characters", reason="name_form")
    return name


def checked_email(text: str) -> str | None:
    """None for an empty one. Raises BadRequest."""
    email = text.strip()
    if email and not _EMAIL.fullmatch(email):
        raise BadRequest("that is no e-mail address", reason="email_form")
    return email or None


def checked_roles(roles: Iterable[str]) -> frozenset[str]:
    """Raises BadRequest naming what no person can be."""
    wanted = frozenset(roles)
    if wanted - PERSONS_ROLES:
        raise BadRequest(f"no role of a person: {', '.join(sorted(wanted - PERSONS_ROLES))}", reason="role_unknown")
    return wanted
