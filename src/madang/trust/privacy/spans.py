"""Where personal data stands in a text, and which of two findings of the same place counts. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

KINDS = {
    "resident-registration": "주민등록번호",
    "foreigner-registration": "외국인등록번호",
    "passport": "여권번호",
    "driver-licence": "운전면허번호",
    "card-number": "카드번호",
    "bank-account": "계좌번호",
    "email": "전자우편",
    "ip-address": "IP 주소",
    "vehicle-plate": "차량번호",
    "phone": "전화번호",
    "address": "주소",
    "birth-date": "생년월일",
    "name": "이름",
}
"""Kinds with their Korean words; the first that is found in a place counts, where nothing else decides."""
_RANK = {kind: rank for rank, kind in enumerate(KINDS)}


@dataclass(frozen=True)
class Span:
    """Characters `start` to, not with, `end` of a text. `confidence` 0 to 1; `rule` names what found it."""

    kind: str
    start: int
    end: int
    confidence: float
    rule: str


def settle(found: Iterable[Span]) -> list[Span]:
    """Spans that do not overlap, in the order of the text. The surer one counts, then the longer, then the kind's rank."""
    out: list[Span] = []
    for span in sorted(found, key=lambda one: (-one.confidence, one.start - one.end, _RANK[one.kind], one.start)):
        if all(span.end <= other.start or other.end <= span.start for other in out):
            out.append(span)
    return sorted(out, key=lambda one: one.start)
