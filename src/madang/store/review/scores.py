"""Testbed scores as the store signs them: canonical JSON under the key that also signs its targets."""

from __future__ import annotations

import base64
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import CryptoSigner

Score = dict[str, Any]


def sign_score(score: Score, signer: CryptoSigner) -> Score:
    """The score with `signature`: {"key", "value"}, both base64; what it may have held before is replaced."""
    told = {name: value for name, value in score.items() if name != "signature"}
    value = bytes.fromhex(signer.sign(_payload(told)).signature)
    key = bytes.fromhex(signer.public_key.keyval["public"])
    return told | {"signature": {"key": _base64(key), "value": _base64(value)}}


def is_score_signed(score: Score, key: bytes) -> bool:
    """Whether the store with that raw public key signed this very score."""
    signature = score.get("signature", {})
    told = {name: value for name, value in score.items() if name != "signature"}
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(signature["value"]), _payload(told))
    except (InvalidSignature, ValueError, KeyError, TypeError):
        return False
    return bool(signature["key"] == _base64(key))


def _payload(score: Score) -> bytes:
    """Canonical JSON knows no fractions: numbers that are no integers are signed as the shortest text that gives them back."""
    return str(encode_canonical(_whole(score))).encode()


def _whole(value: Any) -> Any:
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    return [_whole(one) for one in value] if isinstance(value, list) else value


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
