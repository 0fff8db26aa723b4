"""A city that vouches for another city's log: it cosigns what extends all that it cosigned before. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from madang.base.errors import BadRequest, Conflict
from madang.trust.audit.merkle import extends
from madang.trust.audit.note import Checkpoint, Signer, Verifier, open_checkpoint


def witness(
    signer: Signer, log: Verifier, seen: Checkpoint | None, note: str, path: Sequence[bytes], time_s: int
) -> tuple[Checkpoint, str]:
    """The checkpoint that is seen from now on, to be kept before the cosignature (a line for the note) is given away.

    `seen` is what was kept last, `path` the consistency proof from it. Raises BadRequest for a note that `log` did not sign or
    a proof that does not hold, Conflict for a log that shrank or has two faces."""
    checkpoint = open_checkpoint(note, log)
    if seen is not None and checkpoint.size < seen.size:
        raise Conflict(f"a checkpoint of size {seen.size} was seen already", size=seen.size)
    if seen is not None and checkpoint.size == seen.size and checkpoint.root != seen.root:
        raise Conflict(f"another checkpoint of size {seen.size} was seen already", size=seen.size)
    if seen is not None and not extends(seen.size, seen.root, checkpoint.size, checkpoint.root, path):
        raise BadRequest(f"the proof does not show that the log extends its first {seen.size} entries")
    return checkpoint, signer.cosign(checkpoint, time_s)
