"""Procedures are files that a city replaces."""

from __future__ import annotations

from pathlib import Path

import pytest

from madang.base.errors import BadRequest
from madang.operations.incidents.procedures import HOUSE, kind_of, read_procedures

KINDS = {"accident", "air", "crowd", "fire", "flood", "missing_person", "other", "outage", "security"}
SHORT = """kind = "fire"
name = { ko = "불", en = "Fire" }
join_m = 50
join_s = 60
[limits]
critical = { acknowledge_s = 1, resolve_s = 2 }
high = { acknowledge_s = 1, resolve_s = 2 }
medium = { acknowledge_s = 1, resolve_s = 2 }
low = { acknowledge_s = 1, resolve_s = 2 }
[[steps]]
id = "call"
text = { ko = "119에 전화한다", en = "Call 119" }
"""


def test_the_house_has_a_procedure_for_each_kind() -> None:
    found = read_procedures()
    assert (set(found), [one.kind for one in found.values() if not one.shared]) == (KINDS, ["missing_person"])


def test_a_file_of_the_city_takes_the_place_of_the_house_s(tmp_path: Path) -> None:
    (tmp_path / "fire.toml").write_text(SHORT, encoding="utf-8")
    found = read_procedures(tmp_path)
    assert (set(found), found["fire"].step_ids, found["fire"].near) == (KINDS, ["call"], [])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('kind = "fire"', "kind ="),
        ('en = "Fire"', 'fi = "Palo"'),
        ("join_m = 50", "join_m = -1"),
        ("low = { acknowledge_s = 1, resolve_s = 2 }", ""),
        ('id = "call"', 'id = "call"\ncolour = "red"'),
        ("[[steps]]", '[[near]]\nname = { ko = "가", en = "a" }\ntypes = ["X"]\nwithin_m = 1\nq = "((("\n[[steps]]'),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, before: str, after: str) -> None:
    (tmp_path / "fire.toml").write_text(SHORT.replace(before, after), encoding="utf-8")
    with pytest.raises(BadRequest, match=r"fire\.toml"):
        read_procedures(tmp_path)


@pytest.mark.parametrize(
    ("category", "sub_category", "kind"),
    [
        ("traffic", "carAccident", "accident"),
        ("weather", "flood", "flood"),
        ("security", "suspiciousAction", "security"),
        ("security", "fire", "fire"),
        ("dataQuality", "freshness", "outage"),
        ("", "", "other"),
    ],
)
def test_an_alert_is_of_the_kind_that_names_its_category(category: str, sub_category: str, kind: str) -> None:
    assert kind_of(read_procedures(HOUSE), category, sub_category) == kind
