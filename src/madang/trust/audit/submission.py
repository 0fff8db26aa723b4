"""What a log sends to a witness (C2SP tlog-witness, add-checkpoint): the size it believes was seen, a proof, its note. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from madang.base.errors import BadRequest

PROOF_MAX_HASHES = 63
_OLD = re.compile(r"old (0|[1-9][0-9]{0,17})")


@dataclass(frozen=True)
class Submission:
    """`old` entries were seen before, `path` proves (RFC 6962, 2.1.2; hashes of 32 bytes) that the log of `note` begins with
    them."""

    old: int
    path: tuple[bytes, ...]
    note: str

    def text(self) -> str:
        """The body of the request."""
        lines = [f"old {self.old}", *(base64.b64encode(one).decode() for one in self.path), ""]
        return "\n".join(lines) + "\n" + self.note


def read_submission(body: bytes) -> Submission:
    """Raises BadRequest."""
    try:
        head, blank, note = body.decode("utf-8").partition("\n\n")
    except UnicodeDecodeError:
        raise BadRequest("a submission is text in UTF-8") from None
    first, *lines = head.split("\n")
    old = _OLD.fullmatch(first)
    if old is None or not blank:
        raise BadRequest("a submission begins with a line `old SIZE` and has an empty line before its note")
    if len(lines) > PROOF_MAX_HASHES:
        raise BadRequest(f"a consistency proof has at most {PROOF_MAX_HASHES} hashes")
    return Submission(int(old[1]), tuple(_hash(line) for line in lines), note)


def _hash(line: str) -> bytes:
    try:
        found = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != 32:
        raise BadRequest("a line of a consistency proof is a hash of 32 bytes in base64")
    return found
