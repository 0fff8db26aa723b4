"""One city vouches for another's log as long as that log only grows."""

from __future__ import annotations

import pytest

from madang.base.errors import BadRequest, Conflict
from madang.trust.audit.merkle import consistency_spans, cover, fold, grow, leaf_hash
from madang.trust.audit.note import WITNESS, Checkpoint, Signer, cosigned_at
from madang.trust.audit.witness import witness

YARD, TOWN = Signer("madang/yard/audit", bytes(32)), Signer("madang/town/witness", b"\x01" * 32, WITNESS)
TIME_S = 1_700_000_000
LEAVES = [leaf_hash(b"%d" % number) for number in range(9)]
NODES = {(0, n): leaf for n, leaf in enumerate(LEAVES)} | dict(grow(0, [], LEAVES)[0])


def over(span: tuple[int, int]) -> bytes:
    return fold([NODES[node] for node in cover(span)])


def at(size: int) -> Checkpoint:
    return Checkpoint(YARD.name, size, over((0, size)))


PATH = [over(span) for span in consistency_spans(5, 9)]


def test_a_log_that_grew_is_cosigned() -> None:
    first, _ = witness(TOWN, YARD.verifier, None, YARD.sign(at(5)), [], TIME_S)
    note = YARD.sign(at(9))
    seen, line = witness(TOWN, YARD.verifier, first, note, PATH, TIME_S)
    again, _ = witness(TOWN, YARD.verifier, seen, note, [], TIME_S)
    assert (first, seen, again, cosigned_at(note + line, TOWN.verifier)) == (at(5), at(9), at(9), TIME_S)


@pytest.mark.parametrize(
    ("seen", "note", "path", "error"),
    [
        (at(5), YARD.sign(at(9)), PATH[:-1], BadRequest),
        (at(5), YARD.sign(Checkpoint(YARD.name, 9, bytes(32))), PATH, BadRequest),
        (at(9), YARD.sign(at(5)), [], Conflict),
        (at(9), YARD.sign(Checkpoint(YARD.name, 9, bytes(32))), [], Conflict),
        (None, Signer(YARD.name, b"\x02" * 32).sign(at(5)), [], BadRequest),
    ],
)
def test_nothing_else_is(seen: Checkpoint | None, note: str, path: list[bytes], error: type[Exception]) -> None:
    with pytest.raises(error):
        witness(TOWN, YARD.verifier, seen, note, path, TIME_S)
