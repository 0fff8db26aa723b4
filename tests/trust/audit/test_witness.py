"""One city vouches for another's log as long as that log only grows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import BadRequest, Conflict, Forbidden, NotFound, UnprocessableOp
from madang.trust.audit.merkle import EMPTY_ROOT, consistency_spans, cover, fold, grow, leaf_hash
from madang.trust.audit.note import WITNESS, Checkpoint, Signer, cosigned_at
from madang.trust.audit.submission import Submission, read_submission
from madang.trust.audit.witness import identify, judge

YARD, TOWN = Signer("madang/yard/audit", bytes(32)), Signer("madang/town/witness", b"\x01" * 32, WITNESS)
LOGS = {YARD.name: YARD.verifier}
LEAVES = [leaf_hash(b"%d" % number) for number in range(9)]
NODES = {(0, n): leaf for n, leaf in enumerate(LEAVES)} | dict(grow(0, [], LEAVES)[0])


def over(span: tuple[int, int]) -> bytes:
    return fold([NODES[node] for node in cover(span)])


def at(size: int) -> Checkpoint:
    return Checkpoint(YARD.name, size, over((0, size)))


def path(old: int, new: int) -> tuple[bytes, ...]:
    return tuple(over(span) for span in consistency_spans(old, new)) if old else ()


@given(st.integers(0, 9), st.data())
def test_a_log_that_grew_may_be_cosigned(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(0, new))
    seen = at(old) if old else None
    judge(seen, at(new), Submission(old, path(old, new), ""))


@pytest.mark.parametrize(
    ("seen", "checkpoint", "old", "proof", "error"),
    [
        (at(5), at(9), 5, path(5, 9)[:-1], UnprocessableOp),
        (at(5), at(9), 5, (), UnprocessableOp),
        (None, at(9), 0, path(5, 9), UnprocessableOp),
        (at(5), Checkpoint(YARD.name, 9, bytes(32)), 5, path(5, 9), UnprocessableOp),
        (at(9), at(5), 9, (), BadRequest),
        (at(9), at(5), 5, (), Conflict),
        (at(5), at(9), 4, path(4, 9), Conflict),
        (None, at(9), 4, path(4, 9), Conflict),
        (at(9), Checkpoint(YARD.name, 9, bytes(32)), 9, (), Conflict),
        (None, Checkpoint(YARD.name, 0, bytes(32)), 0, (), Conflict),
    ],
)
def test_nothing_else_is(
    seen: Checkpoint | None, checkpoint: Checkpoint, old: int, proof: tuple[bytes, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        judge(seen, checkpoint, Submission(old, proof, ""))


def test_only_a_known_log_is_heard() -> None:
    assert identify(LOGS, YARD.sign(at(5))) == at(5)
    with pytest.raises(NotFound):
        identify(LOGS, Signer("madang/other/audit", bytes(32)).sign(Checkpoint("madang/other/audit", 0, EMPTY_ROOT)))
    with pytest.raises(Forbidden):
        identify(LOGS, Signer(YARD.name, b"\x02" * 32).sign(at(5)))


def test_signatures_of_others_are_passed_over() -> None:
    note = YARD.sign(at(5)) + TOWN.cosign(at(5), 1_700_000_000)
    assert (identify(LOGS, note), cosigned_at(note, TOWN.verifier)) == (at(5), 1_700_000_000)


def test_a_submission_has_the_form_of_the_standard() -> None:
    asked = Submission(5, (bytes(32),), YARD.sign(at(9)))
    head, body = asked.text().split("\n\n", 1)
    assert (head, body) == ("old 5\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", YARD.sign(at(9)))
    assert Submission(0, (), "x").text() == "old 0\n\nx"


@given(st.integers(0, 10**18 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63), st.text(max_size=50))
def test_a_submission_is_read_back(old: int, proof: list[bytes], note: str) -> None:
    asked = Submission(old, tuple(proof), note)
    assert read_submission(asked.text().encode()) == asked


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 5",
        b"old 05\n\nnote",
        b"old -1\n\nnote",
        b"old 5\nAAAA\n\nnote",
        b"old 5\n*\n\nnote",
        b"\xff\n\n",
        Submission(5, (bytes(32),) * 64, "note").text().encode(),
    ],
)
def test_nonsense_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        read_submission(body)
