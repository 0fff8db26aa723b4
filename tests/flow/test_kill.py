"""kill -9 of every part under load: it comes back, no acknowledged write is lost, the page ends up true."""

from __future__ import annotations

import asyncio

import pytest

from tests.flow.conftest import House
from tests.flow.load import Load, every
from tests.flow.page import Page
from tests.waiting import until

ENOUGH = 150
PARTS = ["postgres", "nats", "gateway", "ingest", "courier", "app:test.madang.beacon"]


@pytest.mark.parametrize("part", PARTS)
async def test_a_killed_part_returns_and_nothing_acknowledged_is_lost(house: House, part: str) -> None:
    kind = f"Probe{PARTS.index(part)}"
    load = Load(house.url, house.instance.settings.mqtt, kind)
    page = Page(house.url, types=[kind, "Device"])
    try:
        await until(lambda: len(load.acknowledged) > ENOUGH and page.entities, "the city is under load")
        before, restarts = len(load.acknowledged), house.member(part).state.restarts
        await house.restored(part, house.kill(part))
        await until(lambda: len(load.acknowledged) > before + ENOUGH, "writes go on")
        await load.stop()
        last = await load.say_last()
        await until(
            lambda: {identifier: page.entities.get(identifier, {}).get("value") for identifier in last} == last,
            "the page shows what devices said last",
        )
        there = await every(house.url, type=f"{kind},Device")
        assert set(load.acknowledged) <= set(there)
        await until(lambda: page.entities == there, "the page equals a fresh query")
        told = {"restarts": restarts + 1, "state": "running"}
        await until(lambda: told.items() <= page.components[part].items(), "the status says so")
    finally:
        await load.stop()
        await page.close()


async def test_the_page_is_told_which_part_is_down(house: House) -> None:
    page = Page(house.url, types=["Device"])
    try:
        await until(lambda: page.components.get("courier"), "a status frame")
        while ("courier", "crashed") not in page.states:
            await until(lambda: house.member("courier").state.pid, "it was started again")
            house.kill("courier")
            await until(lambda: house.member("courier").state.state == "crashed", "it is down")
            await until(lambda: house.member("courier").state.state != "crashed", "it is tried again")
        assert "ended with" in page.components["courier"]["detail"] or page.components["courier"]["detail"] == ""
        await until(lambda: page.components["courier"]["state"] == "running", "it is back", timeout_s=60)
    finally:
        await page.close()


async def test_a_new_command_room_asks_the_devices_what_they_show(house: House) -> None:
    device = Load(house.url, house.instance.settings.mqtt, "Asked")
    try:
        async with device.device() as client:
            await client.subscribe("city/yard/interrogation")
            await house.restored("gateway", house.kill("gateway"))
            async with asyncio.timeout(30):
                assert (await anext(client.messages)).payload == b"{}"
    finally:
        await device.stop()
