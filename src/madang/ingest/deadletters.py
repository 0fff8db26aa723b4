"""What could not be read: kept with source, reason and the beginning of the payload; counted for ever, bounded in rows."""

from __future__ import annotations

import base64
import codecs
from typing import Any

import asyncpg

from madang.base.clock import to_iso
from madang.base.limits import DEAD_LETTER_MAX_ROWS, DEAD_LETTER_PAYLOAD_MAX_BYTES

_INSERT = """
WITH kept AS (
  INSERT INTO dead_letter (source, reason, bytes, payload)
  SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::bytea[])
)
INSERT INTO counter VALUES ('dead_letters', cardinality($1::text[]))
ON CONFLICT (name) DO UPDATE SET value = counter.value + excluded.value
"""
_TRIM = "DELETE FROM dead_letter WHERE id <= (SELECT max(id) FROM dead_letter) - $1"


class DeadLetters:
    """The dead-letter table."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._since_trim = 0

    async def add(self, letters: list[tuple[str, str, bytes]]) -> None:
        """`(source, reason, payload)` each."""
        sources, reasons, payloads = (list(column) for column in zip(*letters, strict=True))
        await self._pool.execute(
            _INSERT,
            [source.replace("\x00", "�")[:1000] for source in sources],
            [reason.replace("\x00", "�")[:1000] for reason in reasons],
            [len(payload) for payload in payloads],
            [payload[:DEAD_LETTER_PAYLOAD_MAX_BYTES] for payload in payloads],
        )
        self._since_trim += len(letters)
        if self._since_trim >= 1_000:
            self._since_trim = 0
            await self._pool.execute(_TRIM, DEAD_LETTER_MAX_ROWS)

    async def count(self) -> int:
        """Letters ever, cleared ones too."""
        return int(await self._pool.fetchval("SELECT value FROM counter WHERE name = 'dead_letters'") or 0)

    async def latest(self, limit: int) -> list[dict[str, Any]]:
        """Newest first; `payload` as text, or as `base64:...` when it is no text."""
        records = await self._pool.fetch("SELECT * FROM dead_letter ORDER BY id DESC LIMIT $1", limit)
        return [
            {
                "at": to_iso(record["at"]),
                "source": record["source"],
                "reason": record["reason"],
                "bytes": record["bytes"],
                "payload": _shown(record["payload"]),
            }
            for record in records
        ]


def _shown(payload: bytes) -> str:
    whole = len(payload) < DEAD_LETTER_PAYLOAD_MAX_BYTES  # else its last letter may be cut in two
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(payload, final=whole)
    except UnicodeDecodeError:
        text = "\x00"
    readable = all(letter.isprintable() or letter in "\r\n\t" for letter in text)
    return text if readable else "base64:" + base64.b64encode(payload).decode()
