"""Questions about JSON values of any shape."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, TypeGuard


def is_one_of(value: Any, words: Container[str]) -> TypeGuard[str]:
    """Whether a JSON value is one of `words`. A list or an object is none; it could not even be looked up in a set."""
    return isinstance(value, str) and value in words


def has_nul(value: Any) -> bool:
    """Whether a text in it, or a key, holds a NUL character: PostgreSQL cannot keep one."""
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, Mapping):
        return any(has_nul(key) or has_nul(inner) for key, inner in value.items())
    return isinstance(value, list) and any(has_nul(inner) for inner in value)
