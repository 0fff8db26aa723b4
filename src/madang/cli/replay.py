"""`madang replay FILE --mapping RULES.toml`: a file's records become entities of a running city."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from madang.base.errors import BadRequest, MadangError
from madang.context.snapshot import open_snapshot
from madang.context.writer import Writer
from madang.engine.database import connect_pool
from madang.engine.settings import home_dir
from madang.ingest.deadletters import DeadLetters
from madang.ingest.files.decode import records
from madang.ingest.mapping import Rule, compile_rule
from madang.model.operations import Operation

CHUNK = 500


async def replay(options: argparse.Namespace) -> int:
    """Prints how many records became entities and how many dead letters."""
    path = Path(options.file)
    rule, where = load_mapping(Path(options.mapping))
    pool = await connect_pool(find_database(options.url), 1, 2)
    writer = Writer(pool, await open_snapshot(pool))
    writer.start()
    try:
        counts = await feed(path.name, path.read_bytes(), rule, where, writer, DeadLetters(pool))
    finally:
        await writer.stop()
        await pool.close()
    print(f"{counts['written']} records written, {counts['dead']} dead letters", file=sys.stderr)
    return 0 if counts["written"] else 1


def load_mapping(path: Path) -> tuple[Rule, str]:
    """The rule and the path of the record list: `[file] city, records, type, id, observed_at, attributes`."""
    try:
        raw: dict[str, Any] = msgspec.toml.decode(path.read_bytes())["file"]
    except (OSError, KeyError, msgspec.DecodeError) as error:
        raise BadRequest(f"{path}: not a mapping: {error!r}") from None
    return compile_rule(str(raw.get("city", "city")), path.name, raw), str(raw.get("records", ""))


def find_database(given: str | None) -> str:
    """The database of the only running instance. Raises BadRequest when there is none or more than one."""
    if given or "MADANG_DATABASE" in os.environ:
        return given or os.environ["MADANG_DATABASE"]
    found = sorted(path.read_text() for path in home_dir().glob("run/*/database.dsn"))
    if len(found) != 1:
        raise BadRequest(f"{len(found)} cities are running here: name the database by MADANG_DATABASE")
    return found[0]


async def feed(name: str, data: bytes, rule: Rule, where: str, writer: Writer, letters: DeadLetters) -> Counter[str]:
    """Every record is written or buried; counts of `written` and `dead`."""
    counts: Counter[str] = Counter()
    batch: list[tuple[Operation, Any]] = []
    dead: list[tuple[str, str, bytes]] = []
    for number, record in enumerate(records(name, data, where), 1):
        try:
            batch.append((rule.apply(record), record))
        except MadangError as error:
            dead.append((f"file:{name}:{number}", error.detail, msgspec.json.encode(record)))
        if len(batch) >= CHUNK:
            counts += await _write(name, batch, writer, dead)
            batch = []
    counts += await _write(name, batch, writer, dead)
    if dead:
        await letters.add(dead)
    counts["dead"] += len(dead)
    return counts


async def _write(
    name: str, batch: list[tuple[Operation, Any]], writer: Writer, dead: list[tuple[str, str, bytes]]
) -> Counter[str]:
    written = 0
    for (_, record), outcome in zip(batch, await writer.submit_many([one for one, _ in batch]), strict=True):
        if isinstance(outcome, MadangError):
            if outcome.status >= 500:
                raise outcome
            dead.append((f"file:{name}", outcome.detail, msgspec.json.encode(record)))
        else:
            written += 1
        await asyncio.sleep(0)
    return Counter(written=written)
