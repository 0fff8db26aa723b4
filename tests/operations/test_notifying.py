"""Who is told of an incident, in which words, and what a provider is sent: without a database."""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import replace
from datetime import time, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.city import MailSettings, NotifySettings, ProviderSettings
from madang.base.errors import BadRequest
from madang.base.limits import NOTICE_ATTEMPTS, NOTICES_PER_HOUR
from madang.operations.incidents.incident import SEVERITIES, Entry
from madang.operations.incidents.procedures import procedure_of, read_procedures
from madang.operations.notifying import decide
from madang.operations.notifying.channels import open_channels
from madang.operations.notifying.message import Message, message_of
from madang.operations.notifying.nouns import CHANNELS, STEPS, Hours, Notice, Reach, Recipient, Step, Telling, Wish
from madang.operations.notifying.provider import body_of, key_of, signature
from tests.operations.incidents import NOON, incident

NIGHT = Hours(time(22), time(7))
SECRET = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"
STEP = Step(7, 1, "opened", "accident", "high", "app:x")
WISH = Wish("role:operator", ("email",), ("opened",))
ANNA = Recipient(
    "person:anna", frozenset({"operator"}), Reach("ko", {"email": "anna@example.org", "sms": "+82101234567"})
)
KEY = UUID(int=5)
NOTICE = Notice(1, KEY, 7, 1, "opened", "high", "person:anna", "email", "waiting", 0, NOON, NOON)

hours = st.builds(Hours, st.times(), st.times())
severities = st.sampled_from(SEVERITIES)
people = st.lists(
    st.builds(
        Recipient,
        st.sampled_from(["person:anna", "person:bo", "person:cho"]),
        st.frozensets(st.sampled_from(["operator", "duty-officer", "citizen"])),
        st.builds(
            Reach,
            addresses=st.dictionaries(st.sampled_from(CHANNELS), st.just("x")),
            quiet=st.none() | hours,
            breaks=st.none() | severities,
        ),
    ),
    max_size=4,
    unique_by=lambda one: one.who,
)
wishes = st.lists(
    st.builds(
        Wish,
        st.sampled_from(["role:operator", "role:duty-officer", "person:anna", "person:bo", "role:citizen"]),
        st.lists(st.sampled_from(CHANNELS), max_size=3).map(tuple),
        st.lists(st.sampled_from(STEPS), max_size=4).map(tuple),
        severities,
        hours=st.none() | hours,
    ),
    max_size=6,
)
steps = st.builds(
    Step,
    st.just(1),
    st.just(1),
    st.sampled_from(STEPS),
    st.just("fire"),
    severities,
    st.sampled_from(["madang", "person:bo"]),
)


@given(steps, wishes, people, st.times())
def test_nobody_is_told_twice_of_the_same_step(
    step: Step, asked: list[Wish], known: list[Recipient], local: time
) -> None:
    told = decide.told(step, asked * 2, known * 2, local)
    assert [count for count in Counter(told).values() if count > 1] == []


@given(steps, wishes, people, st.times())
def test_nobody_hears_in_quiet_hours_what_is_below_what_they_set(
    step: Step, asked: list[Wish], known: list[Recipient], local: time
) -> None:
    reaches = {one.who: one.reach for one in known}
    told = [reaches[one.who] for one in decide.told(step, asked, known, local)]
    assert [
        reach
        for reach in told
        if reach.quiet is not None
        and decide.within(reach.quiet, local)
        and (reach.breaks is None or SEVERITIES.index(step.severity) < SEVERITIES.index(reach.breaks))
    ] == []


@given(steps, wishes, people, st.times())
def test_only_who_asked_and_may_know_is_told(
    step: Step, asked: list[Wish], known: list[Recipient], local: time
) -> None:
    named = {one.who: {one.who, *(f"role:{role}" for role in one.roles)} for one in known if one.roles - {"citizen"}}
    told = decide.told(step, asked, known, local)
    asked_by = [wish for wish in asked if step.name in wish.steps]
    assert [
        one
        for one in told
        if one.who == step.by
        or not any(wish.who in named[one.who] and one.channel in wish.channels for wish in asked_by)
    ] == []


@given(hours, st.times())
def test_of_two_hours_each_moment_is_in_one_half_of_the_day(one: Hours, local: time) -> None:
    other = Hours(one.until, one.since)
    assert (decide.within(one, local) != decide.within(other, local)) == (one.since != one.until)


@pytest.mark.parametrize(
    ("wish", "step", "at", "told"),
    [
        (WISH, STEP, time(12), ["email"]),
        (msgspec.structs.replace(WISH, channels=("email", "sms", "kakao")), STEP, time(12), ["email", "sms"]),
        (msgspec.structs.replace(WISH, severity="critical"), STEP, time(12), []),
        (msgspec.structs.replace(WISH, kinds=("flood",)), STEP, time(12), []),
        (msgspec.structs.replace(WISH, hours=NIGHT), STEP, time(12), []),
        (msgspec.structs.replace(WISH, hours=NIGHT), STEP, time(6, 59), ["email"]),
        (WISH, replace(STEP, name="overdue"), time(12), []),
        (WISH, replace(STEP, by="person:anna"), time(12), []),
        (msgspec.structs.replace(WISH, who="person:bo"), STEP, time(12), []),
    ],
)
def test_a_wish_names_what_when_and_how(wish: Wish, step: Step, at: time, told: list[str]) -> None:
    assert [one.channel for one in decide.told(step, [wish], [ANNA], at)] == told


@pytest.mark.parametrize(("breaks", "told"), [(None, 0), ("critical", 0), ("high", 1)])
def test_quiet_hours_let_through_what_the_person_agreed_to(breaks: str | None, told: int) -> None:
    reach = msgspec.structs.replace(ANNA.reach, quiet=NIGHT, breaks=breaks)
    found = decide.told(STEP, [WISH], [replace(ANNA, reach=reach)], time(23))
    assert len(found) == told


@pytest.mark.parametrize(
    ("what", "who", "details", "name"),
    [
        ("opened", "app:x", {}, "opened"),
        ("escalated", "person:bo", {"level": 1}, "escalated"),
        ("escalated", "madang", {"level": 1}, "overdue"),
        ("graded", "person:bo", {"from": "low", "to": "critical"}, "raised"),
        ("graded", "person:bo", {"from": "critical", "to": "low"}, None),
        ("said", "person:bo", {}, None),
    ],
)
def test_which_lines_of_the_log_people_are_told_of(
    what: str, who: str, details: dict[str, object], name: str | None
) -> None:
    step = decide.step_of(Entry(7, 1, NOON, who, what, details=details), incident())
    assert (step and step.name) == name


@pytest.mark.parametrize("gone", [{"merged_into": 9}, {"state": "resolved"}])
def test_of_what_is_merged_or_over_nobody_is_told(gone: dict[str, object]) -> None:
    assert decide.step_of(Entry(7, 1, NOON, "app:x", "opened"), incident(**gone)) is None


def test_one_more_than_the_bound_is_not_sent() -> None:
    one = Telling("person:anna", "sms")
    counts = {("person:anna", "sms"): NOTICES_PER_HOUR, ("person:anna", "email"): 0}
    found = [decide.first_state(each, counts) for each in (one, replace(one, channel="email"))]
    assert found == ["bounded", "waiting"]


def test_each_attempt_waits_twice_as_long_and_the_last_one_fails() -> None:
    waits = [(decide.next_at(attempt, NOON) - NOON) / timedelta(seconds=1) for attempt in (1, 2, 3)]
    states = [
        decide.after_failure(1, False),
        decide.after_failure(NOTICE_ATTEMPTS, False),
        decide.after_failure(1, True),
    ]
    assert (waits, states) == ([15, 30, 60], ["waiting", "failed", "failed"])


@pytest.mark.parametrize(
    ("kind", "language", "subject", "text"),
    [
        ("accident", "ko", "[높음] 상황 1번: 사거리 추돌", "사거리 추돌\n교통사고: 새 상황, 심각도 높음."),
        ("accident", "en", "[high] Incident 1: 사거리 추돌", "사거리 추돌\nRoad accident: a new incident, high."),
        ("missing_person", "ko", "[높음] 상황 1번: 실종", "실종: 새 상황, 심각도 높음."),
    ],
)
def test_a_message_says_what_happened_and_of_a_missing_person_no_words(
    kind: str, language: str, subject: str, text: str
) -> None:
    procedure = procedure_of(read_procedures(), kind)
    found = message_of(NOTICE, incident(kind=kind), procedure, "a@example.org", language, "https://city.example/")
    link = "https://city.example/operations/incidents/1"
    assert found == Message(str(KEY), "a@example.org", language, "opened", subject, text, link)


def test_what_a_provider_is_sent_and_its_signature() -> None:
    body = body_of("sms", Message("k", "+8210", "ko", "opened", "s", "t", "l"))
    told = {
        "id": "k",
        "channel": "sms",
        "to": "+8210",
        "language": "ko",
        "template": "incident.opened",
        "text": "t",
        "link": "l",
    }
    # The vector of the Standard Webhooks specification's reference libraries.
    known = signature(
        key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert (msgspec.json.decode(body), known) == (told, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")


@pytest.mark.parametrize(
    "settings",
    [
        NotifySettings(sms=ProviderSettings("http://127.0.0.1:1/")),
        NotifySettings(kakao=ProviderSettings("http://127.0.0.1:1/")),
        NotifySettings(email=MailSettings("localhost", "city@example.org", security="none")),
    ],
)
def test_a_channel_without_its_secret_or_with_one_in_the_open_is_refused(settings: NotifySettings) -> None:
    with pytest.raises(BadRequest):
        open_channels(settings, {"MADANG_NOTIFY_EMAIL_PASSWORD": "x", "MADANG_NOTIFY_KAKAO_SECRET": "short"})
