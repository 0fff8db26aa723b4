"""Random secrets that are given away once and kept as hashes."""

from __future__ import annotations

import base64
import hashlib
import secrets


def new_id() -> str:
    """128 random bits in base32, lower case: never given twice, and fit for a path, a topic or a user name."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def new_secret() -> str:
    """256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def hashed(text: str) -> bytes:
    """As a random secret is kept: SHA-256, 32 bytes. Enough for what nobody can guess; passwords have `password.py`."""
    return hashlib.sha256(text.encode()).digest()
