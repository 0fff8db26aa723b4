"""Personal data in a table that is to be given to everybody: column by column, every value. Pure.

A value is read behind its column's name (`연락처: 010-...`), because what a number or a name is, its label often says.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from madang.base.limits import PRIVACY_TEXT_MAX_CHARS
from madang.trust.privacy.detect import detect

_MASKED = 2
# A phone number that lost its zero to a spreadsheet, and a resident registration number without its dash.
_PHONE = re.compile(r"1[016789]\d{7,8}")
_REGISTRATION = re.compile(r"\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[1-4]\d{6}")
_NAMED = re.compile(r"(?:성명|이름|성함|신청자|신청인|민원인|신고자|예금주|보호자|대표자|\bname\b)", re.IGNORECASE)
_PERSONAL = re.compile(r"나이|연령|성별|생년|출생|혼인|소득|\bage\b|gender|\bsex\b|birth|income|marital", re.IGNORECASE)
_KOREAN_NAME = re.compile(
    r"(?:[김이박최정강조윤장임한오서신권황안송류유전홍고문양손배백허남심노하곽성차주우구민진지엄채원천방공현함변염여추도소석선설마길][가-힣]{2})"
)
NAMES_SHARE = 0.8


@dataclass(frozen=True)
class Found:
    """In `values` different values of a column. `example`: one of them, all but its first characters hidden."""

    column: str
    kind: str
    values: int
    example: str


def scan(columns: Mapping[str, Iterable[object]]) -> list[Found]:
    """`columns`: the different values of each, by name. What is longer than a text may be is read in pieces."""
    return [one for name, values in columns.items() for one in _of_column(name, values)]


def looks_personal(names: Iterable[str]) -> list[str]:
    """Columns whose names say that rows are about people."""
    return [name for name in names if _PERSONAL.search(name)]


def _of_column(name: str, values: Iterable[object]) -> Iterator[Found]:
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    total, like_names = 0, 0
    for value in values:
        text = _told(value)
        total += 1
        like_names += bool(_KOREAN_NAME.fullmatch(text))
        for kind in _kinds(name, text):
            counts[kind] += 1
            examples.setdefault(kind, _hidden(text))
    if "name" not in counts and total and _NAMED.search(name) and like_names >= NAMES_SHARE * total:
        counts["name"], examples["name"] = like_names, "○○○"
    for kind, count in counts.most_common():
        yield Found(name, kind, count, examples[kind])


def _kinds(name: str, text: str) -> set[str]:
    found = set()
    for begin in range(0, max(1, len(text)), PRIVACY_TEXT_MAX_CHARS // 2):
        piece = text[begin : begin + PRIVACY_TEXT_MAX_CHARS - len(name) - 2]
        label = len(name) + 2
        found |= {span.kind for span in detect(f"{name}: {piece}") if span.end > label}
    return found


def _told(value: object) -> str:
    """Numbers as they were before a spreadsheet took their zeros and dashes."""
    text = str(value)
    if isinstance(value, int) and _PHONE.fullmatch(text):
        return f"0{text}"
    if _REGISTRATION.fullmatch(text):
        return f"{text[:6]}-{text[6:]}"
    return text


def _hidden(text: str) -> str:
    return text[:_MASKED] + "…"
