"""Random secrets that are given away once and kept as hashes, and the seal of those that must be read again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from madang.base.errors import Internal
from madang.engine.settings import secret

_NONCE_BYTES = 12


def new_id() -> str:
    """128 random bits in base32, lower case: never given twice, and fit for a path, a topic or a user name."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def new_secret() -> str:
    """256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def hashed(text: str) -> bytes:
    """As a random secret is kept: SHA-256, 32 bytes. Enough for what nobody can guess; passwords have `password.py`."""
    return hashlib.sha256(text.encode()).digest()


class Seal:
    """AES-256-GCM with a key of the run folder, for what is in the database and must be read again; and HMACs of that key."""

    def __init__(self, key: bytes) -> None:
        self._aead, self._key = AESGCM(key), key

    def close(self, text: str, about: str) -> bytes:
        """`about` names what it belongs to: it opens nowhere else."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, text.encode(), about.encode())

    def open(self, data: bytes, about: str) -> str:
        """Raises Internal when it was altered, moved, or sealed by another key."""
        try:
            return self._aead.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], about.encode()).decode()
        except InvalidTag:
            raise Internal(
                "a sealed secret does not open: is keys/identity of this instance the one it began with?"
            ) from None

    def sign(self, text: str) -> str:
        """HMAC-SHA-256 in hexadecimal."""
        return hmac.new(self._key, text.encode(), "sha256").hexdigest()

    def fits(self, signature: str, text: str) -> bool:
        return hmac.compare_digest(signature.encode(), self.sign(text).encode())


def open_seal(run_dir: Path) -> Seal:
    """That of an instance, made at first use."""
    return Seal(base64.urlsafe_b64decode(secret(run_dir / "keys" / "identity", 32) + "="))
