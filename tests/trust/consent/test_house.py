"""A person shows, narrows, withdraws and leaves; each look is on record, and what was seen is asked back."""

from __future__ import annotations

import asyncio
import csv
import io
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from madang.base.clock import ManualClock
from madang.base.errors import Conflict, NotFound
from madang.trust.audit.recorder import Recorder
from madang.trust.consent.agreement import Ask
from madang.trust.consent.export import as_zip
from madang.trust.consent.house import PersonalHouse
from madang.trust.consent.looking import Look, Seen
from madang.trust.consent.pseudonyms import Pseudonyms
from madang.trust.identity.people import People

pytestmark = pytest.mark.engine
START = datetime(2026, 11, 22, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
APP, OTHER = "org.example.rides", "org.example.ads"
PURPOSE = "plan-journeys"
ASKS = {
    APP: [Ask("place", PURPOSE, frozenset({"name", "location"}), 7), Ask("mobility", PURPOSE, None, 0)],
    OTHER: [Ask("place", "offers", frozenset({"name"}), 1)],
}
HOME = {"name": "=집", "location": {"type": "Point", "coordinates": [126.978, 37.566]}}
NAMES = Pseudonyms(b"k" * 32)


class Installed:
    async def of(self, app_id: str) -> list[Ask]:
        return ASKS[app_id]

    async def installed(self) -> set[str]:
        return {OTHER}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
async def house(pool: asyncpg.Pool, clock: ManualClock, recorder: Recorder) -> PersonalHouse:
    house = PersonalHouse(pool, NAMES, clock, recorder, Installed())
    await house.space.put("kim", "place", "home", HOME)
    await house.space.put("lee", "place", "home", HOME | {"name": "Home"})
    return house


def seen_by(app: str, person: str = "kim", **items: dict[str, Any]) -> Look:
    return Look(NAMES.of(person, app), items)


async def test_nobody_is_seen_who_did_not_agree(house: PersonalHouse) -> None:
    assert await house.look(APP, PURPOSE, "place") == []
    with pytest.raises(NotFound):
        await house.look(APP, PURPOSE, "place", NAMES.of("kim", APP))


async def test_an_app_sees_what_was_agreed_to_for_its_purpose_and_the_person_sees_that_it_looked(
    house: PersonalHouse, clock: ManualClock
) -> None:
    await house.grant("kim", APP, "place", PURPOSE, ["location"])
    clock.set(START + MINUTE)
    assert await house.look(APP, PURPOSE, "place") == [seen_by(APP, home={"location": HOME["location"]})]
    assert await house.look(APP, "advertise", "place") == []
    assert await house.look(OTHER, PURPOSE, "place") == []
    looked = Seen(START + MINUTE, APP, "place", PURPOSE, ["home"], ["location"])
    assert [one for _, one in await house.looking.seen("kim", None, 10)] == [looked]
    assert await house.looking.seen("lee", None, 10) == []


async def test_pages_of_people_go_on_after_the_last(house: PersonalHouse) -> None:
    for person in ("kim", "lee"):
        await house.grant(person, APP, "place", PURPOSE)
    both = await house.look(APP, PURPOSE, "place")
    first = await house.look(APP, PURPOSE, "place", limit=1)
    assert first + await house.look(APP, PURPOSE, "place", after=first[0].pseudonym, limit=1) == both
    assert sorted(one.pseudonym for one in both) == sorted(NAMES.of(person, APP) for person in ("kim", "lee"))


async def test_only_what_an_app_asks_for_can_be_granted_and_only_once(house: PersonalHouse) -> None:
    await house.grant("kim", APP, "place", PURPOSE)
    with pytest.raises(Conflict):
        await house.grant("kim", APP, "place", PURPOSE)
    with pytest.raises(NotFound):
        await house.grant("kim", APP, "journey", PURPOSE)


async def test_a_withdrawn_consent_shows_nothing_and_what_was_seen_is_to_be_erased(
    house: PersonalHouse, clock: ManualClock
) -> None:
    consent = await house.grant("kim", APP, "place", PURPOSE)
    await house.look(APP, PURPOSE, "place")
    clock.set(START + MINUTE)
    ended = await house.withdraw("kim", consent.id)
    assert (ended.withdrawn_at, await house.look(APP, PURPOSE, "place")) == (START + MINUTE, [])
    (due,) = await house.erasures.due(APP)
    assert (due.pseudonym, due.kind, due.up_to, due.why) == (consent.pseudonym, "place", START + MINUTE, "withdrawn")
    told = await house.receipt(APP, due.id, {"erased": 3, "note": "routes of the week"})
    assert await house.erasures.due(APP) == []
    assert await house.erasures.of_person("kim") == [told]
    assert (await house.withdraw("kim", consent.id), await house.erasures.of_person("kim")) == (ended, [told])


async def test_nothing_is_asked_back_of_who_never_looked(house: PersonalHouse) -> None:
    consent = await house.grant("kim", APP, "place", PURPOSE)
    await house.withdraw("kim", consent.id)
    assert await house.erasures.of_person("kim") == []


async def test_a_narrowed_consent_shows_less_and_cannot_be_widened(house: PersonalHouse) -> None:
    consent = await house.grant("kim", APP, "place", PURPOSE)
    await house.look(APP, PURPOSE, "place")
    await house.narrow("kim", consent.id, ["name"], 2)
    assert await house.look(APP, PURPOSE, "place") == [seen_by(APP, home={"name": "=집"})]
    assert [one.why for one in await house.erasures.due(APP)] == ["narrowed"]
    with pytest.raises(Exception, match="not asked for: location"):
        await house.narrow("kim", consent.id, ["name", "location"], None)


async def test_a_look_waits_for_a_withdrawal_that_is_being_made(house: PersonalHouse, pool: asyncpg.Pool) -> None:
    consent = await house.grant("kim", APP, "place", PURPOSE)
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("UPDATE consent SET withdrawn_at = now() WHERE id = $1", consent.id)
        looking = asyncio.create_task(house.look(APP, PURPOSE, "place"))
        done, _ = await asyncio.wait([looking], timeout=0.2)
        await transaction.commit()
    assert (done, await looking, await house.looking.seen("kim", None, 10)) == (set(), [], [])


async def test_what_was_kept_as_long_as_it_may_be_is_asked_back_once(house: PersonalHouse, clock: ManualClock) -> None:
    await house.grant("kim", APP, "place", PURPOSE)
    await house.look(APP, PURPOSE, "place")
    clock.set(START + timedelta(days=7) - MINUTE)
    assert await house.erasures.sweep() == 0
    clock.set(START + timedelta(days=7))
    assert (await house.erasures.sweep(), await house.erasures.sweep()) == (1, 0)
    assert [(one.why, one.up_to) for one in await house.erasures.due(APP)] == [("retention", START)]


async def test_nobody_touches_the_consents_and_erasures_of_others(house: PersonalHouse) -> None:
    consent = await house.grant("kim", APP, "place", PURPOSE)
    await house.look(APP, PURPOSE, "place")
    with pytest.raises(NotFound):
        await house.withdraw("lee", consent.id)
    with pytest.raises(NotFound):
        await house.narrow("lee", consent.id, ["name"], None)
    await house.withdraw("kim", consent.id)
    (due,) = await house.erasures.due(APP)
    with pytest.raises(NotFound):
        await house.receipt(OTHER, due.id, {"erased": 0})


async def test_who_leaves_is_gone_and_apps_are_told_by_the_name_they_know(
    house: PersonalHouse, pool: asyncpg.Pool
) -> None:
    await house.grant("kim", APP, "place", PURPOSE)
    await house.grant("kim", OTHER, "place", "offers")
    await house.look(APP, PURPOSE, "place")
    assert await house.forget("kim") == 1
    assert await house.tables("kim") == {"items": [], "consents": [], "reads": [], "erasures": []}
    assert [one.pseudonym for one in await house.erasures.due(APP)] == [NAMES.of("kim", APP)]
    kept = await pool.fetch("SELECT person FROM erasure UNION ALL SELECT person FROM personal_item")
    assert [one["person"] for one in kept] == [None, "lee"]


async def test_whose_account_has_ended_is_seen_no_more_and_forgotten(
    house: PersonalHouse, pool: asyncpg.Pool, clock: ManualClock
) -> None:
    person = await People(pool, clock).add("kim", "Kim", None, set())
    await house.space.put(person.id, "place", "home", HOME)
    await house.grant(person.id, APP, "place", PURPOSE)
    await house.look(APP, PURPOSE, "place")
    await People(pool, clock).end(person.id)
    assert await house.look(APP, PURPOSE, "place") == []
    await house.tidy()
    assert await house.tables(person.id) == {"items": [], "consents": [], "reads": [], "erasures": []}


async def test_of_a_removed_app_no_consent_is_left_and_its_end_is_its_receipt(house: PersonalHouse) -> None:
    await house.grant("kim", APP, "place", PURPOSE)
    await house.look(APP, PURPOSE, "place")
    await house.leaving(APP)
    assert await house.look(APP, PURPOSE, "place") == []
    assert [one.why for one in await house.erasures.due(APP)] == ["removed"]
    await house.left(APP)
    assert [one.receipt for one in await house.erasures.of_person("kim")] == [{"note": "removed with all its data"}]


async def test_what_is_over_is_asked_back_in_the_background_and_not_of_apps_that_are_gone(
    house: PersonalHouse, clock: ManualClock
) -> None:
    for app, purpose in ((APP, PURPOSE), (OTHER, "offers")):
        await house.grant("kim", app, "place", purpose)
        await house.look(app, purpose, "place")
    clock.set(START + timedelta(days=7))
    await house.tidy()
    clock.set(START + timedelta(days=7, minutes=10))
    await house.tidy()
    assert ([one.why for one in await house.erasures.due(OTHER)], await house.erasures.due(APP)) == (["retention"], [])


async def test_everything_can_be_taken_away_as_tables(house: PersonalHouse) -> None:
    await house.grant("kim", APP, "place", PURPOSE)
    tables = await house.tables("kim")
    with zipfile.ZipFile(io.BytesIO(as_zip(tables))) as archive:
        read = {
            name: list(csv.reader(io.StringIO(archive.read(name).decode("utf-8-sig")))) for name in archive.namelist()
        }
    assert read["items.csv"][1][:2] == ["place", "home"]
    assert read["consents.csv"][0] == list(tables["consents"][0])
    assert (read["reads.csv"], read["erasures.csv"]) == ([[]], [[]])


async def test_acts_are_on_record(house: PersonalHouse, recorder: Recorder) -> None:
    consent = await house.grant("kim", APP, "place", PURPOSE)
    await house.look(APP, PURPOSE, "place")
    await house.withdraw("kim", consent.id)
    await recorder.settle()
    found = await recorder.log.page(10, None, None, None, None)
    assert [one["leaf"].split('"what":"')[1].split('"')[0] for one in found] == [
        "consent.withdraw",
        "personal.read",
        "consent.grant",
    ]
