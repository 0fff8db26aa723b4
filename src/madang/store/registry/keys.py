"""Ed25519 keys as TUF has them, and the store's own."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.signer import CryptoSigner, SSlibKey

from madang.base.errors import BadRequest, NotFound
from madang.engine.settings import secret

ROLES = ("root", "targets", "snapshot", "timestamp")


Signers = Mapping[str, CryptoSigner]


class StoreKeys:
    """A signer for each of the four top-level roles; that of root may be elsewhere. `folder`: where they lie, a file a role, beside
    it `<role>.next` where another was asked for; None: nowhere."""

    def __init__(self, signers: Signers, folder: Path | None = None) -> None:
        self._signers, self._folder = signers, folder

    def __contains__(self, role: str) -> bool:
        return role in self._signers

    def __getitem__(self, role: str) -> CryptoSigner:
        return self._signers[role]

    def reload(self) -> None:
        """What another process has put in their place since, or taken away."""
        if self._folder is not None:
            self._signers = _signers(self._folder)

    def waiting(self) -> StoreKeys | None:
        """These, with those that were asked for in their place; None when none was."""
        paths = {role: _next(self._folder, role) for role in ROLES} if self._folder is not None else {}
        found = {role: signer_of(_seed(path)) for role, path in paths.items() if path.exists()}
        return StoreKeys({**self._signers, **found}) if found else None

    def adopt(self) -> None:
        """Those that wait are the keys from now on; the ones before are gone."""
        if self._folder is None:
            return
        for role in ROLES:
            if (path := _next(self._folder, role)).exists():
                path.replace(self._folder / role)
        self.reload()


def open_keys(run_dir: Path) -> StoreKeys:
    """Those of an instance: `keys/store/<role>`, all made together. One of root that was taken away since is not made again."""
    folder = run_dir / "keys" / "store"
    return StoreKeys(_signers(folder), folder)


def ask_for_new(run_dir: Path, roles: Iterable[str]) -> None:
    """Makes the keys; the store that runs there takes them as soon as root can be signed. Raises BadRequest, NotFound."""
    folder = run_dir / "keys" / "store"
    if strange := set(roles) - set(ROLES):
        raise BadRequest(f"no role of a store: {', '.join(sorted(strange))}")
    if not (folder / "targets").exists():
        raise NotFound(f"no store ran at {run_dir}")
    for role in roles:
        _seed(_next(folder, role))


def _signers(folder: Path) -> Signers:
    here = [role for role in ROLES if role != "root" or (folder / role).exists() or not (folder / "targets").exists()]
    return {role: signer_of(_seed(folder / role)) for role in here}


def _next(folder: Path, role: str) -> Path:
    return folder / f"{role}.next"


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
