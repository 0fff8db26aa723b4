"""The command tells a whole log from a bent one."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import msgspec
import pytest

from madang.base.errors import BadRequest
from madang.cli.auditing import audit_keys, audit_verify
from madang.trust.audit.cosigning import Cosigned
from madang.trust.audit.keeper import cosigned_dir, replace_file
from madang.trust.audit.note import LOG, WITNESS, Signer, read_checkpoint, read_verifier
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


async def test_what_a_witness_saw_is_held_against_the_log(
    dsn: str, pool: asyncpg.Pool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "database.dsn").write_text(dsn, encoding="utf-8")
    recorder, town = open_recorder(pool, tmp_path, "yard"), Signer("madang/town/witness", bytes(32), WITNESS)
    await recorder.before("anonymous", "app.start", "app")
    note = await recorder.keeper.sign()
    cosigned = Cosigned(town.verifier.text(), note + town.cosign(read_checkpoint(note), 1_700_000_000))
    path = cosigned_dir(tmp_path) / "town.json"
    replace_file(path, msgspec.json.encode(cosigned).decode())
    assert await audit_verify(str(tmp_path)) == 0
    told = f"cosigned up to entry 1 by madang/town/witness+{town.verifier.key_id.hex()} at 2023-11-14T22:13:20.000Z"
    assert capsys.readouterr().out.splitlines()[-1] == told
    await pool.execute("TRUNCATE audit_entry, audit_node")
    (tmp_path / "audit" / "checkpoint").unlink()
    await recorder.before("somebody", "app.start", "app")
    assert await audit_verify(str(tmp_path)) == 1
    assert capsys.readouterr().out.splitlines()[0] == "entry 0 is another log than the one that was signed"
    path.write_text(path.read_text("utf-8").replace("— madang/town", "— madang/else"), encoding="utf-8")
    with pytest.raises(BadRequest):
        await audit_verify(str(tmp_path))


def test_the_keys_of_a_city_are_told_and_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MADANG_HOME", str(tmp_path))
    told = []
    for _ in range(2):
        audit_keys("helsinki")
        told.append([read_verifier(line) for line in capsys.readouterr().out.splitlines()])
    assert told[0] == told[1]
    assert [(one.name, one.kind) for one in told[0]] == [
        ("madang/helsinki/audit", LOG),
        ("madang/helsinki/witness", WITNESS),
    ]


async def test_a_city_that_does_not_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadRequest):
        await audit_verify(str(tmp_path / "nobody"))
