"""Whatever is asked, the answer is a sentence about it. The same requests each time; more of them at night."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import strategies as st

from madang.people.openapi.document import describe
from tests.flow.conftest import House
from tests.flow.fuzz import ENTITIES, TIMEOUT_S, attack, hunt, judge
from tests.flow.mutations import SUBSCRIPTION, asked, mutated

SEED = 1


def runs(examples: int, at_night: int) -> list[Any]:
    """Examples and seed of the short run and of the long ones."""
    return [(examples, SEED), *(pytest.param(at_night, seed, marks=pytest.mark.nightly) for seed in (2, 3))]


@pytest.fixture(scope="module")
async def fuzzed(house: House) -> House:
    async with httpx.AsyncClient(base_url=house.url, trust_env=False, timeout=20) as client:
        (await client.post("ngsi-ld/v1/entityOperations/upsert", json=ENTITIES)).raise_for_status()
        (await client.post("ngsi-ld/v1/subscriptions", json=SUBSCRIPTION)).raise_for_status()
    return house


def send_all(url: str, strategy: st.SearchStrategy[dict[str, Any]], examples: int, seed: int) -> None:
    """`strategy` gives the arguments of httpx's `build_request`."""
    with httpx.Client(base_url=url, trust_env=False, timeout=TIMEOUT_S) as client:
        hunt(strategy, lambda one: judge(client.send(client.build_request(**one)), one), examples, seed)


@pytest.mark.parametrize(("examples", "seed"), runs(4, 60))
async def test_every_operation_answers_good_and_bad_requests(fuzzed: House, examples: int, seed: int) -> None:
    assert await asyncio.to_thread(attack, fuzzed.url.rstrip("/"), describe(), examples, seed) > 300


@pytest.mark.parametrize(("examples", "seed"), runs(500, 9000))
async def test_bodies_with_one_thing_wrong(fuzzed: House, examples: int, seed: int) -> None:
    await asyncio.to_thread(send_all, fuzzed.url, mutated(), examples, seed)


@pytest.mark.parametrize(("examples", "seed"), runs(400, 9000))
async def test_texts_of_the_query_language(fuzzed: House, examples: int, seed: int) -> None:
    await asyncio.to_thread(send_all, fuzzed.url, asked(), examples, seed)
