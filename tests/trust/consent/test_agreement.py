"""What a person agrees to is never more than was asked, and what an app is shown never more than was agreed to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import BadRequest
from madang.trust.consent.agreement import Ask, check_ask, narrower, shown, within
from madang.trust.consent.items import KINDS, check_item, members_of
from madang.trust.consent.pseudonyms import Pseudonyms

HOME = {"name": "집", "location": {"type": "Point", "coordinates": [126.978, 37.566]}}
WORK_DAY = {"name": "출근", "days": [1, 2, 3, 4, 5], "origin": "home", "destination": "work", "arriveBy": "09:00"}
NEEDS = {"wheelchair": True, "walkMaxM": 300, "languages": ["ko"]}

kinds = st.sampled_from(sorted(KINDS))
days = st.integers(0, 365)


@st.composite
def asks(draw: st.DrawFn) -> Ask:
    kind = draw(kinds)
    members = draw(st.none() | st.frozensets(st.sampled_from(sorted(members_of(kind))), min_size=1))
    return check_ask(Ask(kind, "plan-journeys", members, draw(days)))


@st.composite
def narrowings(draw: st.DrawFn) -> tuple[Ask, Ask]:
    """An ask and a part of it."""
    ask = draw(asks())
    everything = sorted(ask.members or members_of(ask.kind))
    members = draw(st.none() | st.lists(st.sampled_from(everything), min_size=1))
    return ask, within(ask, members, draw(st.none() | st.integers(0, ask.retention_days)))


@given(narrowings())
def test_what_is_agreed_to_shows_no_more_and_is_kept_no_longer_than_was_asked(pair: tuple[Ask, Ask]) -> None:
    ask, agreed = pair
    item = dict.fromkeys(members_of(ask.kind), "x")
    assert shown(agreed, item).items() <= shown(ask, item).items()
    assert agreed.retention_days <= ask.retention_days
    assert narrower(ask, agreed) == (
        shown(agreed, item) != shown(ask, item) or agreed.retention_days < ask.retention_days
    )


@pytest.mark.parametrize(
    ("members", "days", "why"),
    [
        (["location"], None, "not asked for: location"),
        (None, 31, "the app asked for 30 days"),
        ([], None, "no members asked"),
    ],
)
def test_more_than_was_asked_cannot_be_agreed_to(members: list[str] | None, days: int | None, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        within(Ask("place", "plan-journeys", frozenset({"name"}), 30), members, days)


@pytest.mark.parametrize(
    ("kind", "item"),
    [
        ("place", HOME),
        ("journey", WORK_DAY),
        ("mobility", NEEDS),
        ("device", {"name": "팔찌"}),
        ("health", {"asthma": True, "heartDisease": True}),
        ("contact", {"phone": "+82 10-1234-5678"}),
    ],
)
def test_items_are_kept_as_they_are_written(kind: str, item: dict[str, Any]) -> None:
    assert check_item(kind, "one", item) == item


@pytest.mark.parametrize(
    ("kind", "key", "item"),
    [
        ("place", "home", HOME | {"colour": "red"}),
        ("place", "home", {"name": "집", "location": {"type": "Polygon", "coordinates": []}}),
        ("place", "h/o", HOME),
        ("journey", "a", WORK_DAY | {"departAt": "08:00"}),
        ("journey", "a", WORK_DAY | {"arriveBy": "9시"}),
        ("journey", "a", WORK_DAY | {"days": [0]}),
        ("mobility", "me", {"walkMaxM": -1}),
        ("diary", "a", {}),
        ("device", "a", ["name"]),
        ("health", "me", {"asthma": "yes"}),
        ("contact", "me", {"phone": "call me"}),
        ("contact", "me", {}),
    ],
)
def test_what_is_no_such_item_is_refused(kind: str, key: str, item: Any) -> None:
    with pytest.raises(BadRequest):
        check_item(kind, key, item)


@given(st.text(), st.text(), st.text(), st.text())
def test_a_person_has_another_name_for_each_app(person: str, other: str, app: str, further: str) -> None:
    names = Pseudonyms(b"k" * 32)
    assert (names.of(person, app) == names.of(other, further)) == ((person, app) == (other, further))


def test_another_key_gives_other_names() -> None:
    assert Pseudonyms(b"a").of("p", "app") != Pseudonyms(b"b").of("p", "app")
