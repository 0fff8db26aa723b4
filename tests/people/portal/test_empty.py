"""The portal of a city that has published nothing."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import httpx
import pytest
from tests.people.portal.publishing import open_publishing

from madang.trust.audit.recorder import open_recorder

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(("language", "told"), [("ko", "아직 공개된 데이터가 없습니다."), ("en", "no data yet")])
async def test_it_says_so(
    pool: asyncpg.Pool, dsn: str, tmp_path: Path, keys_dir: Path, language: str, told: str
) -> None:
    recorder = open_recorder(pool, tmp_path, "yard")
    async with (
        open_publishing(pool, dsn, tmp_path, keys_dir, recorder) as empty,
        httpx.AsyncClient(base_url=empty.city.url, trust_env=False) as client,
    ):
        answer = await client.get("data", params={"lang": language})
    assert (answer.status_code, told in answer.text) == (200, True)
