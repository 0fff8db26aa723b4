"""Notes are those of C2SP: what others sign is read, what is bent is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import BadRequest
from madang.trust.audit.note import WITNESS, Checkpoint, Signer, cosigned_at, open_checkpoint, read_verifier

SIGNER, OTHER = Signer("madang/yard/audit", bytes(32)), Signer("madang/yard/audit", bytes(31) + b"\x01")
SEES = Signer("madang/town/witness", bytes(32), WITNESS)
CHECKPOINT = Checkpoint("madang/yard/audit", 7, bytes(range(32)))
# The example key of C2SP's signed-note, as Go's golang.org/x/mod/sumdb/note documents it.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def test_a_note_has_the_form_of_the_standard() -> None:
    text, blank, line, end = SIGNER.sign(CHECKPOINT).replace(CHECKPOINT.text(), "T\n").split("\n")
    assert (text, blank, line[:20], end) == ("T", "", "— madang/yard/audit ", "")
    assert CHECKPOINT.text() == "madang/yard/audit\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"


def test_a_verifier_key_of_the_go_implementation_is_read() -> None:
    assert read_verifier(GO_KEY).text() == GO_KEY


def test_a_note_and_its_cosignature_are_read_back() -> None:
    note = SIGNER.sign(CHECKPOINT)
    cosigned = note + SEES.cosign(CHECKPOINT, 1_700_000_000)
    assert open_checkpoint(cosigned, SIGNER.verifier) == CHECKPOINT
    assert cosigned_at(cosigned, read_verifier(SEES.verifier.text())) == 1_700_000_000
    with pytest.raises(BadRequest):
        open_checkpoint(note, OTHER.verifier)
    with pytest.raises(BadRequest):
        cosigned_at(note, SEES.verifier)


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_no_flipped_bit_of_a_note_is_taken(place: int, bit: int) -> None:
    note = SIGNER.sign(CHECKPOINT).encode()
    place %= len(note)
    bent = note[:place] + bytes([note[place] ^ (1 << bit)]) + note[place + 1 :]
    with pytest.raises(BadRequest):
        open_checkpoint(bent.decode("utf-8", "replace"), SIGNER.verifier)


@given(st.text(max_size=80))
def test_nonsense_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(BadRequest):
        read_verifier(text)
    with pytest.raises(BadRequest):
        open_checkpoint(text, SIGNER.verifier)
