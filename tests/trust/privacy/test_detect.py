"""What is personal in a text is found and masked, and what only looks like it is left."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from bench.privacy import FOLDER, count, figures, read_labelled
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import TooLarge
from madang.base.limits import PRIVACY_TEXT_MAX_CHARS
from madang.trust.privacy.detect import detect
from madang.trust.privacy.masking import mask
from madang.trust.privacy.spans import Span, settle

TEXT = "신고자 강민준, 010-1234-5678, 차량 서울 12 가 3456 앞, minwon@city.example.kr"


def test_each_finding_says_what_where_and_how_sure() -> None:
    found = [(one.kind, TEXT[one.start : one.end], one.rule) for one in detect(TEXT)]
    assert found == [
        ("name", "강민준", "name.labelled"),
        ("phone", "010-1234-5678", "ko-pii.phone"),
        ("vehicle-plate", "서울 12 가 3456", "plate"),
        ("email", "minwon@city.example.kr", "ko-pii.email"),
    ]


@pytest.mark.parametrize(
    ("style", "lang", "masked"),
    [
        ("label", "ko", "신고자 [이름], [전화번호], 차량 [차량번호] 앞, [전자우편]"),
        ("label", "en", "신고자 [name], [phone], 차량 [vehicle-plate] 앞, [email]"),
        ("format", "ko", "신고자 ***, ***-****-****, 차량 ** ** * **** 앞, ******@****.*******.**"),
    ],
)
def test_masked_as_was_chosen(style: str, lang: str, masked: str) -> None:
    assert mask(TEXT, detect(TEXT), style, lang) == masked  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "센서 ID 900101-0000017 교체",
        "충무로12가 3456호 점포",
        "펌웨어 버전 1.2.3.4 배포",
        "주문번호 4111-2222-3333-4445 확인",
        "고객님과 기사님, 이장님께",
        "Dr. Martens boots",
    ],
)
def test_what_only_looks_like_it_is_left(text: str) -> None:
    assert detect(text) == []


@pytest.mark.parametrize(("file", "least"), [("tuned.txt", 0.99), ("heldout.txt", 0.95)])
def test_it_stays_as_good_as_it_was_measured(file: str, least: float) -> None:
    told = figures(sum(count(FOLDER / file).values(), Counter()))
    assert (told["precision"] >= least, told["recall"] >= least) == (True, True)


def test_there_are_sentences_enough() -> None:
    sentences = [one for file in ("tuned.txt", "heldout.txt") for one in read_labelled(FOLDER / file)]
    assert len(sentences) >= 200
    assert sum(not labels for _, labels in sentences) >= 80


def test_a_text_has_a_limit() -> None:
    with pytest.raises(TooLarge):
        detect("x" * (PRIVACY_TEXT_MAX_CHARS + 1))


@pytest.mark.parametrize(
    "piece", ["1-", "+1 2", "가나 ", "1.", "a:", "Mr. A", "12가", "이름: ", "1 A-ro, ", "2020-1-1 "]
)
def test_no_text_keeps_it_long(piece: str) -> None:
    """Patterns run in time that grows with the text: this ends."""
    assert isinstance(detect(piece * (PRIVACY_TEXT_MAX_CHARS // len(piece))), list)


spans = st.builds(
    lambda kind, start, length, confidence: Span(kind, start, start + length, confidence, "x"),
    st.sampled_from(["name", "phone", "email"]), st.integers(0, 30), st.integers(1, 9), st.sampled_from([0.5, 0.9]),
)  # fmt: skip


@given(st.lists(spans, max_size=12))
def test_what_is_settled_never_overlaps_and_leaves_nothing_uncovered(found: list[Span]) -> None:
    kept = settle(found)
    assert all(one.end <= other.start for one, other in pairwise(kept))
    assert all(any(one.start < other.end and other.start < one.end for other in kept) for one in found)


@given(st.text(max_size=60), st.lists(spans, max_size=5))
def test_the_rest_of_a_text_stays_as_it_was(text: str, found: list[Span]) -> None:
    kept = [one for one in settle(found) if one.end <= len(text)]
    masked = mask(text, kept, "format")
    inside = {place for one in kept for place in range(one.start, one.end)}
    assert len(masked) == len(text)
    assert [masked[n] for n in range(len(text)) if n not in inside] == [
        text[n] for n in range(len(text)) if n not in inside
    ]
    assert not any(masked[n].isalnum() for n in inside)


@given(st.text(max_size=200))
def test_any_text_is_taken(text: str) -> None:
    assert all(0 <= one.start < one.end <= len(text) for one in detect(text))
