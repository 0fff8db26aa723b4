"""Tag texts -> numbers and names. Pure; a text that says nothing gives None."""

from __future__ import annotations

import re
from typing import Any

from madang.ingest.osm.data import Tags

_NUMBER = re.compile(r"^\s*(-?\d+(?:[.,]\d+)?)\s*([a-zA-Z/'\"]*)")
_KMH_PER = {"": 1.0, "km/h": 1.0, "kmh": 1.0, "kph": 1.0, "mph": 1.609344, "knots": 1.852}
_METRE_PER = {"": 1.0, "m": 1.0, "metre": 1.0, "metres": 1.0, "ft": 0.3048, "feet": 0.3048, "'": 0.3048}
LANGUAGES = ("ko", "en", "fi", "sv", "pt", "es", "de", "fr", "ja", "zh", "ru")


def number(text: str | None) -> float | None:
    """The leading number of a text (`5`, `5,5`, `5;6`), or None."""
    match = _NUMBER.match(text or "")
    return float(match[1].replace(",", ".")) if match else None


def _scaled(text: str | None, units: dict[str, float]) -> float | None:
    match = _NUMBER.match(text or "")
    if not match or match[2].lower() not in units:
        return None
    return float(match[1].replace(",", ".")) * units[match[2].lower()]


def metres(text: str | None) -> float | None:
    """A length in metres, from metres or feet; None when not a positive length below 1,000 m."""
    value = _scaled(text, _METRE_PER)
    return round(value, 2) if value is not None and 0 < value < 1000 else None


def speed_kmh(text: str | None) -> float | None:
    """A speed limit in km/h; words such as `walk` or `none` are None."""
    value = _scaled(text, _KMH_PER)
    return round(value, 1) if value is not None and 0 < value <= 200 else None


def whole(text: str | None) -> int | None:
    """A count that is at least zero."""
    value = number(text)
    return int(value) if value is not None and 0 <= value < 1000 else None


def name_of(tags: Tags, key: str = "name") -> Any:
    """The name as a plain text, or as a concise LanguageProperty when other languages are told; None without one."""
    plain = tags.get(key)
    told = {lang: tags[f"{key}:{lang}"] for lang in LANGUAGES if tags.get(f"{key}:{lang}")}
    if not told:
        return plain
    return {"languageMap": told | {"@none": plain or next(iter(told.values()))}}


def address_of(tags: Tags) -> dict[str, str] | None:
    """A schema.org address object, or None when no house number and no street is told."""
    keys = {
        "streetAddress": "addr:street",
        "streetNr": "addr:housenumber",
        "postalCode": "addr:postcode",
        "addressLocality": "addr:city",
    }
    found = {name: tags[key] for name, key in keys.items() if tags.get(key)}
    return found if "streetAddress" in found or "streetNr" in found else None
