"""Personal data in free text, Korean and English: ko-pii's detectors and own rules. Pure, offline, no model."""

from __future__ import annotations

from collections.abc import Iterator

from madang.base.errors import TooLarge
from madang.base.limits import PRIVACY_TEXT_MAX_CHARS
from madang.trust.privacy.names import find_names
from madang.trust.privacy.rules import find_by_rules, is_luhn, is_version
from madang.trust.privacy.spans import Span, settle

_LABELS = {
    "RRN": "resident-registration",
    "FRN": "foreigner-registration",
    "PASSPORT": "passport",
    "DRIVER_LICENSE": "driver-licence",
    "PHONE": "phone",
    "FAX": "phone",
    "VEHICLE": "vehicle-plate",
    "CARD": "card-number",
    "ACCOUNT": "bank-account",
    "EMAIL": "email",
    "IP": "ip-address",
    "ADDRESS": "address",
    "DT_BIRTH": "birth-date",
}


def detect(text: str) -> list[Span]:
    """What is personal in it, in the order of the text, without overlaps. Raises TooLarge."""
    if len(text) > PRIVACY_TEXT_MAX_CHARS:
        raise TooLarge(f"a text may have {PRIVACY_TEXT_MAX_CHARS} characters")
    return settle([*_by_ko_pii(text), *find_by_rules(text), *find_names(text)])


def _by_ko_pii(text: str) -> Iterator[Span]:
    from ko_pii import detect_all  # a third of a second that only who masks pays

    for found in detect_all(text, include=_LABELS):
        kind = _LABELS[found.label]
        if _holds(kind, text, found.start, found.end):
            yield Span(
                kind, found.start, found.end, round(min(found.confidence, 1.0), 2), f"ko-pii.{found.label.lower()}"
            )


def _holds(kind: str, text: str, start: int, end: int) -> bool:
    """What ko-pii lets pass and a city's texts are full of: numbers of those born before 1900, versions that look like IP."""
    digits = "".join(one for one in text[start:end] if one.isdigit())
    if kind == "resident-registration":
        return digits[6] in "1234"
    if kind == "card-number":
        return is_luhn(digits)
    if kind == "ip-address":
        return not is_version(text, start)
    return True
