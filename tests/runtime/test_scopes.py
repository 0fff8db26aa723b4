"""What is granted never grows by itself, and is told in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import BadRequest
from madang.runtime.manifest import Manifest, PersonalScope, Scope
from madang.runtime.rating import Rating, rate
from madang.runtime.scopes import carried, covers, narrowed, new_in, subject, within, without
from madang.runtime.words import sentences

WHY = {"ko": "나무를 봅니다", "en": "look at trees"}
NAMES = st.none() | st.lists(st.sampled_from("abc"), min_size=1, unique=True)
DAYS = st.none() | st.integers(0, 9)
READS = st.builds(
    lambda type_, names, area, days: Scope("read", WHY, type_, "", names, area, days),
    st.sampled_from(["Tree", "Bench"]), NAMES, st.sampled_from(["", "park.geojson"]), DAYS,
)  # fmt: skip
COMMANDS = st.builds(lambda kind: Scope("command", WHY, kind=kind), st.sampled_from(["sign.text", "lamp.dim"]))
SCOPES = st.lists(READS | COMMANDS, max_size=4)
TREE = Scope("read", WHY, "Tree")


@given(SCOPES, SCOPES)
def test_under_another_version_nobody_has_more_than_before_nor_than_it_asks(
    grants: list[Scope], asked: list[Scope]
) -> None:
    kept = carried(grants, asked)
    assert [one for one in kept if not any(covers(grant, one) for grant in grants)] == []
    assert within(kept, asked) == kept


@given(SCOPES)
def test_the_same_version_changes_nothing(scopes: list[Scope]) -> None:
    kept = carried(scopes, scopes)
    assert [one for one in scopes if not any(covers(had, one) for had in kept)] == []
    assert new_in(scopes, scopes) == []


@given(SCOPES, SCOPES)
def test_what_is_new_is_what_was_not_asked_for(asked: list[Scope], before: list[Scope]) -> None:
    more = new_in(asked, before)
    assert new_in(asked, [*before, *more]) == []
    assert [one for one in more if any(covers(had, one) for had in before)] == []


@pytest.mark.parametrize(
    ("wide", "narrow", "does"),
    [
        (TREE, Scope("read", WHY, "Tree", attributes=["height"]), True),
        (Scope("read", WHY, "Tree", attributes=["height"]), TREE, False),
        (TREE, Scope("write", WHY, "Tree"), False),
        (TREE, Scope("read", WHY, "Tree", area="park.geojson"), True),
        (Scope("read", WHY, "Tree", area="park.geojson"), TREE, False),
        (Scope("read", WHY, "Tree", retention_days=3), TREE, False),
        (Scope("read", WHY, "Tree", retention_days=3), Scope("read", WHY, "Tree", retention_days=4), False),
        (Scope("read", WHY, "Tree", retention_days=3), Scope("read", WHY, "Tree", retention_days=2), True),
    ],
)
def test_a_wide_scope_covers_a_narrow_one(wide: Scope, narrow: Scope, does: bool) -> None:
    assert covers(wide, narrow) is does


def test_grants_are_narrowed_and_revoked() -> None:
    lamp = Scope("command", WHY, kind="lamp.dim")
    both = [Scope("read", WHY, "Tree", attributes=["height", "age"]), lamp]
    assert narrowed(both, ("read", "Tree"), ["age", "owner"]) == [Scope("read", WHY, "Tree", attributes=["age"]), lamp]
    assert without(both, subject(lamp)) == both[:1]
    with pytest.raises(BadRequest, match="none of these attributes"):
        narrowed(both, ("read", "Tree"), ["owner"])
    with pytest.raises(BadRequest, match="none of these attributes"):
        narrowed(both, ("command", "lamp.dim"), ["age"])
    with pytest.raises(BadRequest, match="did not ask to read Bench"):
        within([Scope("read", WHY, "Bench")], both)


PERSON = PersonalScope("mobility", "dust", {"ko": "먼지를 알립니다", "en": "warn of dust"}, 400, ["asthma"])
ASKING = Manifest(
    "org.example.a", "1", WHY, WHY, "a.main",
    [
        Scope("read", WHY, "Tree", attributes=["height"], area="park.geojson", retention_days=7),
        Scope("write", WHY, "Report"),
        Scope("command", WHY, kind="lamp.dim"),
    ],
    people=[PERSON], egress=["sms.example.org:443"],
)  # fmt: skip


def test_what_it_asks_for_is_said_so_that_people_understand() -> None:
    assert sentences(ASKING) == [
        {
            "ko": "Tree에서 height 값만 읽습니다, park 구역 안에서만, 7일 뒤에는 지웁니다: 나무를 봅니다",
            "en": "reads height of each Tree, nothing else of it, only in the area park, forgets it after 7 days: look at trees",
        },
        {"ko": "Report의 모든 값을 씁니다: 나무를 봅니다", "en": "writes everything about any Report: look at trees"},
        {"ko": "lamp.dim 명령을 요청합니다: 나무를 봅니다", "en": "asks for the command lamp.dim: look at trees"},
        {
            "ko": "동의한 사람의 mobility 정보에서 asthma 값을 읽고 400일 동안 보관합니다: 먼지를 알립니다",
            "en": "reads asthma of the mobility of people who agree, and keeps it for 400 days: warn of dust",
        },
        {
            "ko": "도시 밖의 sms.example.org:443 주소로 데이터를 보낼 수 있습니다",
            "en": "can send data out of the city, to sms.example.org:443",
        },
    ]


def test_the_rating_tells_why() -> None:
    plain = Manifest("org.example.a", "1", WHY, WHY, "a.main", [])
    assert rate(plain, 3, True) == Rating(6, ())
    assert rate(plain, 1, False) == Rating(3, (("unverified", 1), ("sandbox", 2)))
    asks = (("personal", 1), ("kept_long", 1), ("commands", 1), ("egress", 1), ("people_outside", 1))
    assert rate(ASKING, 3, True) == Rating(1, asks)
    assert rate(ASKING, 0, False) == Rating(1, (*asks, ("unverified", 1), ("sandbox", 3)))


@given(st.integers(0, 3), st.integers(0, 3), st.booleans())
def test_a_better_sandbox_never_makes_a_rating_worse(one: int, other: int, verified: bool) -> None:
    low, high = sorted((one, other))
    assert rate(ASKING, low, verified).score <= rate(ASKING, high, verified).score
