"""`madang audit verify RUN`: the audit log of a running instance, computed anew. `madang audit keys CITY`: what peers need."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from madang.base.clock import to_iso
from madang.base.errors import BadRequest, Unavailable
from madang.cli.cities import find_city
from madang.engine.database import LOST, connect_pool
from madang.engine.settings import home_dir
from madang.trust.audit.cosigning import Seen, list_seen
from madang.trust.audit.keeper import cosigned_dir, find_checkpoint, signer_of
from madang.trust.audit.note import LOG, WITNESS
from madang.trust.audit.verify import Verdict, verify

SHOWN_MAX = 100
_WORDS = {
    "altered": "does not have the hash it was appended with",
    "removed": "is not there",
    "moved": "was appended at another place",
    "hash": "does not fit the stored hash above it",
    "checkpoint": "is another log than the one that was signed",
}


async def audit_verify(run: str) -> int:
    """Prints the verdict; exit status 1 when anything was bent. Raises BadRequest, Unavailable."""
    folder = home_dir() / "run" / run
    dsn = dsn_of(folder)
    kept, seen = find_checkpoint(folder), list_seen(cosigned_dir(folder))
    try:
        async with await connect_pool(dsn, 1, 2) as pool:
            verdict = await verify(pool, kept, [one.checkpoint for one in seen])
    except LOST as error:
        raise Unavailable(f"the database does not answer: {error}") from None
    witnessed = [_witnessed(one) for one in seen] if not verdict.faults else []
    print("\n".join([*tell(verdict, None if kept is None else kept.size), *witnessed]))
    return 1 if verdict.faults else 0


def dsn_of(folder: Path) -> str:
    """The database of the instance that runs in this folder. Raises BadRequest."""
    try:
        return os.environ.get("MADANG_DATABASE") or (folder / "database.dsn").read_text(encoding="utf-8")
    except OSError:
        raise BadRequest(f"no city is running in {folder}") from None


def audit_keys(city: str) -> int:
    """Prints the verifier keys of a city, made now if they were not: that of its log for who vouches for it, that of its witness
    for whom it vouches for. Raises BadRequest."""
    name = find_city(city).id
    for kind in (LOG, WITNESS):
        print(signer_of(home_dir() / "run" / name, name, kind).verifier.text())
    return 0


def _witnessed(seen: Seen) -> str:
    at = to_iso(datetime.fromtimestamp(seen.time_s, UTC))
    return f"cosigned up to entry {seen.checkpoint.size} by {seen.witness.name}+{seen.witness.key_id.hex()} at {at}"


def tell(verdict: Verdict, kept: int | None) -> list[str]:
    """The verdict in sentences; `kept` is the size of the checkpoint outside of the database."""
    against = (
        "no checkpoint was kept: a log cut off or made anew cannot be told"
        if kept is None
        else f"signed up to entry {kept}"
    )
    if not verdict.faults:
        return [f"{verdict.size} entries, all as they were appended ({against})", f"root {verdict.root.hex()}"]
    lines = [f"{_rows(fault.first, fault.last)} {_WORDS[fault.kind]}" for fault in verdict.faults[:SHOWN_MAX]]
    more = len(verdict.faults) - len(lines)
    return [*lines, *([f"and {more} more"] if more else []), f"{verdict.size} entries, bent ({against})"]


def _rows(first: int, last: int) -> str:
    return f"entry {first}" if first == last else f"one of the entries {first} to {last}"
