"""The command tells a whole log from a bent one."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from madang.base.errors import BadRequest
from madang.cli.auditing import audit_verify
from madang.trust.audit.recorder import open_recorder

pytestmark = pytest.mark.engine


async def test_a_bent_log_is_told_and_fails(
    dsn: str, pool: asyncpg.Pool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "database.dsn").write_text(dsn, encoding="utf-8")
    recorder = open_recorder(pool, tmp_path, "yard")
    for number in range(3):
        await recorder.before("anonymous", "app.start", f"app{number}")
    await recorder.settle()
    whole = (await audit_verify(str(tmp_path)), capsys.readouterr().out.splitlines())
    assert whole == (
        0,
        ["3 entries, all as they were appended (signed up to entry 3)", f"root {(await recorder.log.root(3)).hex()}"],
    )
    await pool.execute("DELETE FROM audit_entry WHERE seq = 2")
    bent = (await audit_verify(str(tmp_path)), capsys.readouterr().out.splitlines())
    assert bent == (1, ["entry 2 is not there", "3 entries, bent (signed up to entry 3)"])


async def test_a_city_that_does_not_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadRequest):
        await audit_verify(str(tmp_path / "nobody"))
