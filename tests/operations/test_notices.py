"""From the log of an incident to a mailbox and a provider, over real SMTP and HTTP; also when killed, refused or bounded."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest
import pytest_asyncio
from aiohttp import web
from aiosmtpd.smtp import SMTP

from madang.base.city import MailSettings, NotifySettings, ProviderSettings
from madang.base.clock import ManualClock
from madang.base.errors import TooMany
from madang.base.limits import NOTICE_ATTEMPTS, NOTICE_LATE_S, NOTICES_PER_HOUR, NOTIFY_WISHES_OF_ONE_MAX
from madang.operations.house import OperationsHouse, open_operations
from madang.operations.incidents import decide
from madang.operations.notifying.channels import open_channels
from madang.operations.notifying.nouns import STEPS, Hours, Reach, Wish
from madang.operations.notifying.sending import Sender
from madang.operations.notifying.telling import Teller
from tests.operations.incidents import CRASH, NOON
from tests.operations.posts import Mailbox, Operator
from tests.operations.test_notifying import SECRET

pytestmark = pytest.mark.engine
SEOUL, CITY = ZoneInfo("Asia/Seoul"), "https://city.example"
ANNA = "person:anna"
REACH = Reach("ko", {"email": "anna@example.org", "sms": "+821012345678", "kakao": "+821012345678"})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest_asyncio.fixture
async def mail_port(mailbox: Mailbox) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(mailbox), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest_asyncio.fixture
async def operator() -> AsyncIterator[Operator]:
    one, app = Operator(), web.Application()
    app.router.add_post("/messages", one.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}/messages"
    yield one
    await runner.cleanup()


@pytest_asyncio.fixture
async def house(pool: asyncpg.Pool, clock: ManualClock) -> OperationsHouse:
    """With Anna on duty, who wants to be told of everything by mail."""
    columns = "id, login, name, roles, department, tenant, created_at"
    sql = f"INSERT INTO person ({columns}) VALUES ('anna', 'anna', 'Anna', $2, '', '', $1)"
    await pool.execute(sql, NOON, ["operator"])
    house = open_operations(pool, clock)
    await house.notify.reach_by(ANNA, REACH)
    await house.notify.add(Wish(ANNA, ("email",), STEPS), ANNA)
    return house


def sender(house: OperationsHouse, **settings: Any) -> Sender:
    secrets = {"MADANG_NOTIFY_SMS_SECRET": SECRET, "MADANG_NOTIFY_KAKAO_SECRET": SECRET}
    return Sender(house.notify, house.book, open_channels(NotifySettings(**settings), secrets), CITY)


def by_mail(house: OperationsHouse, port: int) -> Sender:
    return sender(house, email=MailSettings("127.0.0.1", "City <ops@city.example>", port, "none"))


async def states(house: OperationsHouse) -> list[tuple[str, str, str, int, str, bool]]:
    found = reversed(await house.notify.notices())
    return [(one.step, one.channel, one.state, one.attempts, one.error, one.simulated) for one in found]


async def test_an_incident_reaches_a_mailbox_once(house: OperationsHouse, mailbox: Mailbox, mail_port: int) -> None:
    made = await house.book.report(CRASH)
    teller, mail = Teller(house.notify, SEOUL), by_mail(house, mail_port)
    for _ in range(2):
        await teller.once()
        await mail.once()
    (notice,) = await house.notify.notices(ANNA)
    told = [
        (
            one["From"],
            one["To"],
            one["Subject"],
            one["Message-ID"],
            one["Auto-Submitted"],
            one.get_content().splitlines(),
        )
        for one in mailbox.mails
    ]
    assert told == [
        (
            "City <ops@city.example>", "anna@example.org", f"[높음] 상황 {made.id}번: 사거리 추돌", f"<{notice.key}@city.example>",
            "auto-generated", ["사거리 추돌", "교통사고: 새 상황, 심각도 높음.", "", f"{CITY}/operations/incidents/{made.id}"],
        )
    ]  # fmt: skip
    assert await states(house) == [("opened", "email", "sent", 1, "", False)]


async def test_a_mailbox_that_is_full_is_tried_again_and_one_that_is_not_there_is_not(
    house: OperationsHouse, clock: ManualClock, mailbox: Mailbox, mail_port: int
) -> None:
    await house.book.report(CRASH)
    await Teller(house.notify, SEOUL).once()
    mail, mailbox.refusal = by_mail(house, mail_port), "452 full"
    await mail.once()
    first = await states(house)
    mailbox.refusal = "550 nobody"
    await mail.once()
    clock.set(NOON + timedelta(seconds=15))
    await mail.once()
    assert (first, await states(house)) == (
        [("opened", "email", "waiting", 1, "SMTP 452", False)],
        [("opened", "email", "failed", 2, "SMTP 550", False)],
    )


async def test_nobody_listening_is_given_up_after_the_last_attempt(house: OperationsHouse, clock: ManualClock) -> None:
    await house.book.report(CRASH)
    await Teller(house.notify, SEOUL).once()
    mail = by_mail(house, 1)
    for minute in range(0, 60, 10):
        clock.set(NOON + timedelta(minutes=minute))
        await mail.once()
    ((_, _, state, attempts, error, _),) = await states(house)
    assert (state, attempts, "refused" in error) == ("failed", NOTICE_ATTEMPTS, True)


async def test_a_provider_is_asked_again_with_the_same_id_and_what_is_simulated_says_so(
    house: OperationsHouse, clock: ManualClock, operator: Operator
) -> None:
    await house.notify.add(Wish("role:operator", ("sms", "kakao"), ("opened",)), ANNA)
    made = await house.book.report(CRASH)
    await Teller(house.notify, SEOUL).once()
    operator.answers = [503, 503]
    both = sender(house, sms=ProviderSettings(operator.url), kakao=ProviderSettings(operator.url, simulated=True))
    await both.once()
    clock.set(NOON + timedelta(seconds=15))
    await both.once()
    kept = {one.channel: str(one.key) for one in await house.notify.notices()}
    text, link = "사거리 추돌\n교통사고: 새 상황, 심각도 높음.", f"{CITY}/operations/incidents/{made.id}"
    one = {"to": "+821012345678", "language": "ko", "template": "incident.opened", "text": text, "link": link}
    wanted = [({"id": kept[name], "channel": name} | one, True) for name in ("kakao", "sms")] * 2
    assert sorted(operator.taken, key=str) == sorted(wanted, key=str)
    assert sorted(await states(house)) == [
        ("opened", "email", "failed", 1, "this city has not set up this channel", False),
        ("opened", "kakao", "sent", 2, "", True),
        ("opened", "sms", "sent", 2, "", False),
    ]


@pytest.mark.parametrize(("answer", "state"), [(409, "sent"), (400, "failed"), (429, "waiting"), (302, "failed")])
async def test_what_a_provider_answers_decides(
    house: OperationsHouse, operator: Operator, answer: int, state: str
) -> None:
    await house.notify.add(Wish(ANNA, ("sms",), ("opened",), kinds=("accident",)), ANNA)
    await house.book.report(CRASH)
    await Teller(house.notify, SEOUL).once()
    operator.answers = [answer]
    await sender(house, sms=ProviderSettings(operator.url)).once()
    assert {one[1]: one[2] for one in await states(house)} == {"email": "failed", "sms": state}


async def test_each_step_is_told_and_what_is_merged_is_not(house: OperationsHouse, clock: ManualClock) -> None:
    made = await house.book.report(CRASH)
    await house.book.report(replace(CRASH, reference="urn:ngsi-ld:Alert:x:2"))
    await house.book.grade(made.id, "person:bo", "critical")
    await house.book.act(made.id, "madang", lambda one: decide.escalate(one, "", 1))
    await house.book.act(made.id, ANNA, lambda one: decide.escalate(one, "why"))
    await Teller(house.notify, SEOUL).once()
    assert [(one.incident, one.step) for one in reversed(await house.notify.notices())] == [
        (made.id, "opened"),
        (made.id, "raised"),
        (made.id, "overdue"),
    ]


async def test_quiet_hours_are_those_of_the_city(house: OperationsHouse) -> None:
    noon_in_seoul = Hours(time(12), time(12, 1))  # NOON is 03:00 UTC
    await house.notify.reach_by(ANNA, Reach("ko", REACH.addresses, noon_in_seoul))
    await house.book.report(CRASH)
    await Teller(house.notify, SEOUL).once()
    assert await house.notify.notices() == []


async def test_what_is_late_and_whose_account_has_ended_is_told_nothing(
    house: OperationsHouse, clock: ManualClock, pool: asyncpg.Pool
) -> None:
    await house.book.report(CRASH)
    clock.set(NOON + timedelta(seconds=NOTICE_LATE_S))
    teller = Teller(house.notify, SEOUL)
    await teller.once()
    await pool.execute("UPDATE person SET ended_at = $1", NOON)
    await house.book.report(replace(CRASH, kind="fire", reference=""))
    await teller.once()
    await teller.tidy()
    left = (await house.notify.notices(), await house.notify.wishes(), await house.notify.reach(ANNA))
    assert left == ([], [], None)


async def test_more_than_the_bound_is_on_record_and_not_sent(
    house: OperationsHouse, mailbox: Mailbox, mail_port: int
) -> None:
    for number in range(NOTICES_PER_HOUR + 1):
        await house.book.report(replace(CRASH, place=None, reference=str(number)))
    await Teller(house.notify, SEOUL).once()
    mail = by_mail(house, mail_port)
    while await mail.once():
        pass
    assert len(mailbox.mails) == NOTICES_PER_HOUR
    assert (await states(house))[-1] == ("opened", "email", "bounded", 0, "", False)


async def test_one_person_has_so_many_wishes(house: OperationsHouse) -> None:
    for _ in range(NOTIFY_WISHES_OF_ONE_MAX - 1):
        await house.notify.add(Wish(ANNA, ("email",), STEPS), ANNA)
    with pytest.raises(TooMany):
        await house.notify.add(Wish(ANNA, ("email",), STEPS), ANNA)


KILLED = """
import asyncio, sys
from madang.base.city import NotifySettings, ProviderSettings
from madang.base.clock import ManualClock, from_iso
from madang.engine.database import connect_pool
from madang.operations.house import open_operations
from madang.operations.notifying.channels import open_channels
from madang.operations.notifying.sending import Sender
async def main():
    async with await connect_pool(sys.argv[1], 1, 2) as pool:
        house = open_operations(pool, ManualClock(from_iso(sys.argv[2])))
        channels = open_channels(NotifySettings(sms=ProviderSettings(sys.argv[3])), {"MADANG_NOTIFY_SMS_SECRET": sys.argv[4]})
        await Sender(house.notify, house.book, channels, "https://city.example").once()
asyncio.run(main())
"""


async def test_kill_9_during_an_attempt_is_an_attempt_and_the_next_has_the_same_id(
    dsn: str, house: OperationsHouse, clock: ManualClock
) -> None:
    await house.notify.remove((await house.notify.wishes())[0].id)
    await house.notify.add(Wish(ANNA, ("sms",), STEPS), ANNA)
    await house.book.report(CRASH)
    await Teller(house.notify, SEOUL).once()
    heads, came = [], asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        came.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", KILLED, dsn, NOON.isoformat(), url, SECRET, env=dict(os.environ)
        )
        await asyncio.wait_for(came.wait(), 20)
        child.send_signal(signal.SIGKILL)
        await child.wait()
    at_once, (notice,) = await states(house), await house.notify.notices()
    key = str(notice.key).encode()
    assert at_once == [("opened", "sms", "waiting", 1, "", False)]
    assert (key in heads[0], notice.next_at) == (True, datetime(2026, 3, 2, 3, 0, 15, tzinfo=UTC))
