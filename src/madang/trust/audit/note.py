"""Signed notes of C2SP: checkpoints (tlog-checkpoint), their signatures (signed-note) and cosignatures (tlog-cosignature), by
Ed25519. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from madang.base.errors import BadRequest

LOG, WITNESS = 0x01, 0x04  # signature types of signed-note
_NAME = re.compile(r"[^\s+]{1,200}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")


@dataclass(frozen=True)
class Checkpoint:
    """The tree of a log at one size. `root` has 32 bytes."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """What is signed: three lines."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"


@dataclass(frozen=True)
class Verifier:
    """A public key by name; `kind` is LOG or WITNESS."""

    name: str
    key: bytes
    kind: int = LOG

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.key).digest()[:4]

    def text(self) -> str:
        """The verifier key of signed-note: `<name>+<key id>+<base64>`."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(bytes([self.kind]) + self.key)}"


@dataclass(frozen=True)
class Signer:
    """A private key by name. `seed` has 32 bytes."""

    name: str
    seed: bytes
    kind: int = LOG

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self._key().public_key().public_bytes_raw(), self.kind)

    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    def sign(self, checkpoint: Checkpoint) -> str:
        """The checkpoint as a signed note."""
        text = checkpoint.text()
        return f"{text}\n{_line(self, self._key().sign(text.encode()))}"

    def cosign(self, checkpoint: Checkpoint, time_s: int) -> str:
        """The line a witness adds to a note. `time_s`: seconds of the epoch when it saw the checkpoint."""
        signature = self._key().sign(_cosigned(checkpoint.text(), time_s))
        return _line(self, time_s.to_bytes(8, "big") + signature)


def read_verifier(text: str) -> Verifier:
    """A verifier key. Raises BadRequest."""
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    data = _bytes(encoded)
    if not _NAME.fullmatch(name) or len(data) != 33 or data[0] not in (LOG, WITNESS):
        raise BadRequest("not an Ed25519 verifier key of a signed note")
    verifier = Verifier(name, data[1:], data[0])
    if verifier.key_id.hex() != key_id:
        raise BadRequest("the key id of the verifier key is not that of its key")
    return verifier


def read_checkpoint(note: str) -> Checkpoint:
    """What a note says, whoever signed it. Raises BadRequest."""
    text, _ = _parts(note)
    origin, size, root, *_ = [*text.split("\n"), "", "", ""]
    if not _NAME.fullmatch(origin) or not _SIZE.fullmatch(size) or len(_bytes(root)) != 32:
        raise BadRequest("not a checkpoint")
    checkpoint = Checkpoint(origin, int(size), _bytes(root))
    if checkpoint.text() != text:
        raise BadRequest("a checkpoint has three lines")
    return checkpoint


def is_signed(note: str, verifier: Verifier) -> bool:
    """Whether the log of `verifier` signed the note. Raises BadRequest for what is no note."""
    text, lines = _parts(note)
    return any(_holds(verifier, data, text.encode()) for data in _of(lines, verifier))


def open_checkpoint(note: str, verifier: Verifier) -> Checkpoint:
    """What a note says that `verifier` signed. Raises BadRequest when it did not, or when it says something else."""
    checkpoint = read_checkpoint(note)
    if checkpoint.origin != verifier.name:
        raise BadRequest("not a checkpoint of this log")
    if not is_signed(note, verifier):
        raise BadRequest(f"the signature of {verifier.name} is missing or wrong")
    return checkpoint


def cosigned_at(note: str, verifier: Verifier) -> int:
    """Seconds of the epoch when the witness cosigned the note. Raises BadRequest when it did not."""
    text, lines = _parts(note)
    for data in _of(lines, verifier):
        time_s = int.from_bytes(data[:8], "big")
        if len(data) == 72 and _holds(verifier, data[8:], _cosigned(text, time_s)):
            return time_s
    raise BadRequest(f"{verifier.name} did not cosign this checkpoint")


def _of(lines: list[str], verifier: Verifier) -> list[bytes]:
    """Signatures of one key."""
    found = [line.split(" ") for line in lines]
    data = [_bytes(words[2]) for words in found if len(words) == 3 and words[:2] == ["—", verifier.name]]
    return [one[4:] for one in data if one[:4] == verifier.key_id]


def _holds(verifier: Verifier, signature: bytes, signed: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(verifier.key).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _parts(note: str) -> tuple[str, list[str]]:
    text, blank, signatures = note.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise BadRequest("not a signed note")
    return text + "\n", signatures[:-1].split("\n")


def _cosigned(text: str, time_s: int) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def _line(signer: Signer, signature: bytes) -> str:
    return f"— {signer.name} {_base64(signer.verifier.key_id + signature)}\n"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    """Empty for what is not base64, or not the one base64 of its bytes."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return data if _base64(data) == text else b""
