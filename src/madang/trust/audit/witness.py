"""A city that vouches for another city's log: it cosigns what extends all that it cosigned before (C2SP tlog-witness). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from madang.base.errors import BadRequest, Conflict, Forbidden, NotFound, UnprocessableOp
from madang.trust.audit.merkle import EMPTY_ROOT, extends
from madang.trust.audit.note import Checkpoint, Verifier, is_signed, read_checkpoint
from madang.trust.audit.submission import Submission


def identify(logs: Mapping[str, Verifier], note: str) -> Checkpoint:
    """The checkpoint of a log that is vouched for. `logs` by origin. Raises BadRequest, NotFound for a log that nobody here
    vouches for, Forbidden for a note that it did not sign."""
    log = logs.get(note.partition("\n")[0])
    if log is None:
        raise NotFound("this log is not vouched for here")
    checkpoint = read_checkpoint(note)
    if not is_signed(note, log):
        raise Forbidden("the log did not sign this checkpoint")
    return checkpoint


def judge(seen: Checkpoint | None, checkpoint: Checkpoint, asked: Submission) -> None:
    """Whether `checkpoint` may be cosigned after `seen`, the last one that was. Raises BadRequest for an old size beyond the
    new one, Conflict (with the `size` seen) when the log stands at another size or has two faces, UnprocessableOp for a proof
    that does not hold."""
    if asked.old > checkpoint.size:
        raise BadRequest("the old size is beyond that of the checkpoint")
    before = seen or Checkpoint(checkpoint.origin, 0, EMPTY_ROOT)
    if asked.old != before.size:
        raise Conflict(f"a checkpoint of size {before.size} was seen", size=before.size)
    if checkpoint.size == before.size and checkpoint.root != before.root:
        raise Conflict(f"another checkpoint of size {before.size} was seen", size=before.size)
    if not extends(before.size, before.root, checkpoint.size, checkpoint.root, asked.path):
        raise UnprocessableOp(f"the proof does not show that the log extends its first {before.size} entries")
