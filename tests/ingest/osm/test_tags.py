"""Tag texts as people write them."""

from __future__ import annotations

import pytest

from madang.ingest.osm.tags import address_of, metres, name_of, speed_kmh, whole


@pytest.mark.parametrize(
    ("text", "value"),
    [("12", 12.0), ("12.5 m", 12.5), ("12,5", 12.5), ("40 ft", 12.19), ("tall", None), ("", None), (None, None),
     ("-3", None), ("99999", None), ("12 storeys", None)],
)  # fmt: skip
def test_metres(text: str | None, value: float | None) -> None:
    assert metres(text) == value


@pytest.mark.parametrize(
    ("text", "value"), [("40", 40.0), ("25 mph", 40.2), ("walk", None), ("none", None), ("0", None)]
)
def test_speed(text: str, value: float | None) -> None:
    assert speed_kmh(text) == value


@pytest.mark.parametrize(("text", "value"), [("5", 5), ("5;6", 5), ("2.5", 2), ("x", None), ("-1", None)])
def test_whole(text: str, value: int | None) -> None:
    assert whole(text) == value


def test_name_keeps_languages() -> None:
    assert name_of({"name": "Kauppatori"}) == "Kauppatori"
    told = name_of({"name": "Kauppatori", "name:en": "Market Square", "name:ko": "마켓 광장"})
    assert told == {"languageMap": {"ko": "마켓 광장", "en": "Market Square", "@none": "Kauppatori"}}
    assert name_of({}) is None


def test_address_needs_a_street_or_number() -> None:
    assert address_of({"addr:city": "Helsinki"}) is None
    assert address_of({"addr:street": "Mikonkatu", "addr:housenumber": "2"}) == {
        "streetAddress": "Mikonkatu",
        "streetNr": "2",
    }
