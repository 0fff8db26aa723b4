"""The audit log as a browser checks it: proofs are computed there, and what was bent is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from tests.browsing import City, ShiftedClock, open_city

from madang.people.oversight.record import RecordDoor
from madang.trust.audit.recorder import Recorder

ENTRIES = 13


@pytest_asyncio.fixture
async def city(pool: asyncpg.Pool, tmp_path: Path, recorder: Recorder) -> AsyncIterator[City]:
    for number in range(ENTRIES):
        recorder.after("madang", "test.act", f"thing {number}", "왜")
    await recorder.settle()
    async with open_city(pool, tmp_path, recorder, ShiftedClock(), further=[RecordDoor]) as city:
        yield city


@pytest_asyncio.fixture
async def auditor(chromium: Any, city: City) -> AsyncIterator[Any]:
    person = await city.person("mina", "auditor")
    context = await chromium.new_context(locale="en-US")
    token = await city.identity.sessions.begin(person.id, ("hwk", "user", "mfa"), "", "")
    name = f"madang-session-{city.url.rsplit(':', 1)[1].strip('/')}"
    await context.add_cookies([{"name": name, "value": token, "url": city.url}])
    page = await context.new_page()
    page.set_default_timeout(15_000)
    yield page
    await context.close()


async def told(page: Any, address: str, kind: str) -> str:
    await page.goto(address)
    await page.wait_for_selector(f"[data-audit] [role=status].{kind}")
    return str(await page.inner_text("[data-audit] [role=status]"))


@pytest.mark.parametrize("seq", [0, 6, ENTRIES - 1])
async def test_an_entry_is_proved_in_the_browser(auditor: Any, city: City, seq: int) -> None:
    found = await told(auditor, f"{city.url}administration/audit/{seq}", "good")
    assert found == f"It holds: this entry is unchanged among the {ENTRIES} that are signed."


async def test_a_log_that_grew_is_proved_to_hold_what_was_seen(auditor: Any, city: City, recorder: Recorder) -> None:
    assert f"{ENTRIES} entries." in await told(auditor, f"{city.url}administration/audit", "good")
    recorder.after("madang", "test.act", "one more")
    await recorder.settle()
    found = await told(auditor, f"{city.url}administration/audit", "good")
    assert (
        found
        == f"The signature holds: {ENTRIES + 1} entries. The {ENTRIES} that this browser saw before are among them, unchanged."
    )


async def test_a_bent_entry_is_told(auditor: Any, city: City, pool: asyncpg.Pool) -> None:
    await pool.execute("UPDATE audit_entry SET leaf = replace(leaf, 'thing 6', 'thing 7') WHERE seq = 6")
    assert "may have been bent" in await told(auditor, f"{city.url}administration/audit/6", "error")


async def test_a_log_made_anew_is_told_by_who_saw_the_old_one(auditor: Any, city: City) -> None:
    await told(auditor, f"{city.url}administration/audit", "good")
    await auditor.evaluate(
        "() => { const kept = JSON.parse(localStorage.getItem('madang-audit')); kept.root = btoa('x'.repeat(32));"
        " localStorage.setItem('madang-audit', JSON.stringify(kept)); }"
    )
    assert "may have been bent" in await told(auditor, f"{city.url}administration/audit", "error")
