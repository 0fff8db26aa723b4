"""Rules beside ko-pii's: what it misses in a city's texts (plates with a region, addresses in English, foreign phones, IP). Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from madang.trust.privacy.spans import Span

_REGIONS = "서울|부산|대구|인천|광주|대전|울산|세종|경기|강원|충북|충남|전북|전남|경북|경남|제주"
_USES = "가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주아바사자배허하호육해공국합"
# A counter after the digits makes of a plate a shop or a price: 충무로12가 3456호.
_PLATE = re.compile(
    rf"(?:(?:{_REGIONS})\s?)?(?<!\d)\d{{2,3}}\s?[{_USES}]\s?\d{{4}}(?![\d-])(?!\s?(?:원|명|호|세대|개|평|번지|대\b|km|m\b|년))"
)
_PHONE = re.compile(r"(?<![\w+])\+[1-9]\d{0,2}(?:[ .-]?\(?\d{1,4}\)?){2,5}(?![\w])")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])")
_VERSION = re.compile(
    r"(?:버전|버젼|펌웨어|릴리스|커널|빌드|\bversion|\bfirmware|\brelease|\bkernel|\bbuild|\bv\.?)\s*[:=]?\s*$",
    re.IGNORECASE,
)
_BIRTH = re.compile(
    r"(?:(?:생년월일|출생일?|\bborn(?: on)?|\bdate of birth|\bDOB)\s*[:=]?\s*)?"
    r"((?:19|20)\d\d(?:[-./]\s?\d{1,2}[-./]\s?\d{1,2}|년\s?\d{1,2}월\s?\d{1,2}일))(?:\s?(?:생|출생)(?![가-힣]))?",
    re.IGNORECASE,
)
_STREET = re.compile(
    r"\b\d{1,5}(?:-\d{1,4})?,? [A-Z][A-Za-z]+(?:-(?:daero|ro|gil)|"
    r"(?: [A-Z][a-z]+)? (?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Drive))\b"
    r"(?:,? [A-Z][a-z]+(?:-(?:gu|si|dong|do|gun|eup|myeon))\b)*(?:, [A-Z][a-z]+)?"
)
_ENGLISH_ACCOUNT = re.compile(r"(?i:\bbank\b|\baccount\b|\bacct\b)[^\d\n]{0,24}(\d{2,6}(?:-\d{2,7}){1,3})(?![\d-])")


def find_by_rules(text: str) -> Iterator[Span]:
    """Spans of every kind but names."""
    for match in _PLATE.finditer(text):
        yield Span("vehicle-plate", match.start(), match.end(), 0.9, "plate")
    for match in _PHONE.finditer(text):
        if 8 <= sum(one.isdigit() for one in match[0]) <= 15:
            yield Span("phone", match.start(), match.end(), 0.9, "phone.e164")
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            if _is_address(match[0]) and not _VERSION.search(text, max(0, match.start() - 16), match.start()):
                yield Span("ip-address", match.start(), match.end(), 0.85, "ip")
    for match in _BIRTH.finditer(text):
        if match.end() > match.end(1) or match.start() < match.start(1):
            yield Span("birth-date", match.start(1), match.end(1), 0.85, "birth")
    for match in _STREET.finditer(text):
        yield Span("address", match.start(), match.end(), 0.8, "address.en")
    for match in _ENGLISH_ACCOUNT.finditer(text):
        if 10 <= sum(one.isdigit() for one in match[1]) <= 14:
            yield Span("bank-account", match.start(1), match.end(1), 0.8, "account.en")


def is_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of ISO/IEC 7812-1."""
    doubled = [int(one) * 2 if place % 2 else int(one) for place, one in enumerate(reversed(digits))]
    return sum(one - 9 if one > 9 else one for one in doubled) % 10 == 0


def is_version(text: str, start: int) -> bool:
    """Whether what begins at `start` is said to be a version."""
    return _VERSION.search(text, max(0, start - 16), start) is not None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return text not in ("::", "0.0.0.0")  # noqa: S104 - not listened on
