"""Ed25519 keys as TUF has them, and the store's own."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.signer import CryptoSigner, SSlibKey

from madang.base.errors import BadRequest
from madang.engine.settings import secret

ROLES = ("root", "targets", "snapshot", "timestamp")


@dataclass(frozen=True)
class StoreKeys:
    """A signer for each of the four top-level roles; that of root may be elsewhere."""

    signers: Mapping[str, CryptoSigner]

    def __contains__(self, role: str) -> bool:
        return role in self.signers

    def __getitem__(self, role: str) -> CryptoSigner:
        return self.signers[role]


def open_keys(run_dir: Path) -> StoreKeys:
    """Those of an instance: `keys/store/<role>`, all made together. One of root that was taken away since is not made again."""
    folder = run_dir / "keys" / "store"
    here = [role for role in ROLES if role != "root" or (folder / role).exists() or not (folder / "targets").exists()]
    return StoreKeys({role: signer_of(_seed(folder / role)) for role in here})


def _seed(path: Path) -> bytes:
    return base64.urlsafe_b64decode(secret(path, 32) + "=")


def signer_of(seed: bytes) -> CryptoSigner:
    """`seed` has 32 bytes."""
    return CryptoSigner(Ed25519PrivateKey.from_private_bytes(seed))


def key_of(public: bytes) -> SSlibKey:
    """The TUF key of 32 raw bytes. Raises BadRequest."""
    try:
        return SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise BadRequest("not an Ed25519 public key", reason="key_form") from None


def read_public(text: str) -> bytes:
    """The raw bytes of a public key in base64. Raises BadRequest."""
    try:
        found = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        found = b""
    if len(found) != 32:
        raise BadRequest("a public key is 32 bytes in base64", reason="key_form")
    key_of(found)
    return found


def is_signed(public: bytes, signature: str, text: str) -> bool:
    """Whether `signature` (base64) is that of the key over the text."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(base64.b64decode(signature.strip()), text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True
