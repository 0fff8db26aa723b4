"""What several clauses need."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
from tests.subscribing import Courier


@pytest.fixture
async def courier(pool: asyncpg.Pool) -> AsyncIterator[Courier]:
    courier = Courier(pool)
    yield courier
    await courier.end()
