"""People's names in Korean and English text: by surname with an address (씨, 님) or a label before them (성명, 신고자). Pure.

A name alone, without either, is not looked for: Korean given names are words, and a city's texts are full of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from madang.trust.privacy.spans import Span

_SURNAMES = (
    "남궁|제갈|선우|황보|독고|사공|서문|동방|"
    "[김이박최정강조윤장임한오서신권황안송류유전홍고문양손배백허남심노하곽성차주우구민진지엄채원천방공현함변염여추도소석선설마길연위표명기반왕금옥육인맹제모탁국어은편용]"
)
_LABELS = (
    "이름|성명|성함|신고자|신고인|신청자|신청인|민원인|예금주|보호자|수령인|수취인|피해자|운전자|실종자|환자|작성자|담당자|대표자|"
    "당사자|목격자|거주자|세입자|소유주|소유자"
)
# What looks like a surname with a given name, before 님 or after a label.
_WORDS = """
고객 기사 선생 이장 사장 부장 과장 국장 원장 소장 팀장 주인 손 임금 도련 회원 교수 주무관 민원인 담당자 이용자 신고자 이웃 어르신
여러분 연락처 전화번 주민등 정보가 정보를 미상 이상 없음 확인 요청 문의 전화 전달 성명 주소 본인 서명 소지자 조합원 방문자 구독자
임차인 도착 안내 진술 조사 유족 구조 이송 인도 지원 신원 명단 인원 지정
"""
_NO_NAMES = frozenset(_WORDS.split())
_ADDRESSED = re.compile(
    rf"(?<![가-힣])((?:{_SURNAMES})[가-힣]{{1,2}})(?=\s?(?:씨|님|선생님|군(?=[\s,.은이과의])|양(?=[\s,.은이과의])|귀하|여사))"
)
_LABELLED = re.compile(
    rf"(?<![가-힣])(?:{_LABELS})(?:은|는|이|:|：)?\s*[:：]?\s*((?:{_SURNAMES})[가-힣]{{1,2}})"
    r"(?=[^가-힣]|$|은|는|이|가|을|를|의|에게|께|과|와|도|입니다|이에요|예요|씨|님|이며|이고)"
)
_TITLED = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.? [A-Z][a-z'’-]+(?: [A-Z][a-z'’-]+)?")
_ENGLISH_LABELLED = re.compile(
    r"(?i:\b(?:reporter|name|contact(?: person)?|applicant|patient|victim|driver|owner|witness|signed by))"
    r"(?: is)?\s*[:=]?\s+([A-Z][a-z'’-]+ [A-Z][a-z'’-]+)"
)
_NO_TITLED = frozenset({"Dr. Martens", "Dr Martens", "Dr. Pepper", "Dr Pepper"})


def find_names(text: str) -> Iterator[Span]:
    """Spans of kind `name`; an English title is part of the name."""
    for match in _ADDRESSED.finditer(text):
        if match[1] not in _NO_NAMES:
            yield Span("name", match.start(1), match.end(1), 0.85, "name.addressed")
    for match in _LABELLED.finditer(text):
        if match[1] not in _NO_NAMES:
            yield Span("name", match.start(1), match.end(1), 0.8, "name.labelled")
    for match in _TITLED.finditer(text):
        if " ".join(match[0].split(" ")[:2]) not in _NO_TITLED:
            yield Span("name", match.start(), match.end(), 0.8, "name.titled")
    for match in _ENGLISH_LABELLED.finditer(text):
        yield Span("name", match.start(1), match.end(1), 0.75, "name.labelled-en")
