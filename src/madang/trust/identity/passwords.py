"""Passwords: argon2id (RFC 9106), and what is taken for one."""

from __future__ import annotations

import asyncio
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from madang.base.errors import BadRequest
from madang.base.limits import PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS, PASSWORDS_AT_ONCE

_HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)  # 64 MiB, three passes, four lanes
_turns = asyncio.Semaphore(PASSWORDS_AT_ONCE)


def check_new(password: str, login: str) -> None:
    """Length, and not the login itself: no rules about kinds of characters (NIST SP 800-63B, 3.1.1.2). Raises BadRequest."""
    if not PASSWORD_MIN_CHARS <= len(password) <= PASSWORD_MAX_CHARS:
        raise BadRequest(
            f"a password has {PASSWORD_MIN_CHARS} to {PASSWORD_MAX_CHARS} characters", reason="password_length"
        )
    if login and login.lower() in password.lower() and len(password) - len(login) < PASSWORD_MIN_CHARS // 2:
        raise BadRequest("a password is not the login", reason="password_login")
    if len(set(password)) < 5:
        raise BadRequest("a password has at least five different characters", reason="password_plain")


async def hash_password(password: str) -> str:
    """In PHC form. A tenth of a second on a thread, few at once: each takes 64 MiB."""
    async with _turns:
        return await asyncio.to_thread(_HASHER.hash, password)


async def is_password(stored: str | None, password: str) -> bool:
    """Whether it is; for an account without one it takes as long and is not."""
    async with _turns:
        return (
            await asyncio.to_thread(_verify, stored or _nobodys(), password[:PASSWORD_MAX_CHARS]) and stored is not None
        )


def _verify(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return _HASHER.hash("nobody's")
