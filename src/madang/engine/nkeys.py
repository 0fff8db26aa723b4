"""NATS keys and JWTs (ADR-14 of NATS): Ed25519, written in base32 with a checksum. What no client library of ours brings."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_ACCOUNT = 0  # the prefix byte that makes a public key begin with A
_HEADER = {"typ": "JWT", "alg": "ed25519-nkey"}


def account_nkey(seed: bytes) -> str:
    """The public key of an account, `A...`. `seed` has 32 bytes."""
    body = bytes([_ACCOUNT]) + Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    # CRC-16/XMODEM, low byte first
    return base64.b32encode(body + binascii.crc_hqx(body, 0).to_bytes(2, "little")).decode().rstrip("=")


def sign_jwt(seed: bytes, claims: dict[str, Any]) -> str:
    """`claims` signed by the account of this seed."""
    signed = ".".join(_part(json.dumps(part, separators=(",", ":")).encode()) for part in (_HEADER, claims))
    return f"{signed}.{_part(Ed25519PrivateKey.from_private_bytes(seed).sign(signed.encode()))}"


def read_jwt(token: str) -> dict[str, Any]:
    """The claims of a token of the server, which comes by a subject that only it may publish to. Raises ValueError."""
    part = token.split(".")[1] if token.count(".") == 2 else ""
    read = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    if not isinstance(read, dict):
        raise ValueError("not the claims of a token")
    return read


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
