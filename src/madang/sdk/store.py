"""What `each` and `window` handlers keep, with the place in the log up to which it counts: both in one transaction of SQLite.

A process that dies in between finds the place and the state of the last commit, so an event takes effect once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

State = dict[str, Any]
_TABLES = """
CREATE TABLE IF NOT EXISTS place (stream TEXT PRIMARY KEY, seq INTEGER, watermark REAL, closed REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (stream TEXT, key TEXT, value TEXT NOT NULL, PRIMARY KEY (stream, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS key_of (stream TEXT, id TEXT, key TEXT NOT NULL, PRIMARY KEY (stream, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS row (stream TEXT, at REAL, seq INTEGER, body TEXT NOT NULL, PRIMARY KEY (stream, at, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outgoing (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS aside (stream TEXT, seq INTEGER, error TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Place:
    """`seq` None: nothing was heard yet. Seconds of the epoch: `watermark`, before which nothing is awaited any more, and the end
    of the window that was `closed` last."""

    seq: int | None = None
    watermark: float = 0.0
    closed: float = 0.0


@dataclass
class Commit:
    """What becomes true at once. `states`: an empty one is forgotten; `keys` of entities by id (None: it is
    gone); `forget_before`: rows of no window any more."""

    stream: str
    place: Place
    states: dict[str, State] = field(default_factory=dict)
    keys: dict[str, str | None] = field(default_factory=dict)
    rows: Sequence[tuple[float, int, Mapping[str, Any]]] = ()
    out: list[Mapping[str, Any]] = field(default_factory=list)
    aside: list[tuple[int, str]] = field(default_factory=list)
    forget_before: float | None = None


class Store:
    """One file. Raises sqlite3.Error."""

    def __init__(self, path: Path | None = None) -> None:
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        # A commit that is lost with the power takes its place in the log with it: the events come again.
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_TABLES)

    def place(self, stream: str) -> Place:
        found = self._db.execute("SELECT seq, watermark, closed FROM place WHERE stream = ?", (stream,)).fetchone()
        return Place(*found) if found else Place()

    def states(self, stream: str, keys: Iterable[str]) -> dict[str, State]:
        """Those of the keys; an empty one where nothing is kept."""
        sql = "SELECT value FROM state WHERE stream = ? AND key = ?"
        found = ((key, self._db.execute(sql, (stream, key)).fetchone()) for key in keys)
        return {key: json.loads(row[0]) if row else {} for key, row in found}

    def all_states(self, stream: str) -> dict[str, State]:
        found = self._db.execute("SELECT key, value FROM state WHERE stream = ? ORDER BY key", (stream,))
        return {key: json.loads(value) for key, value in found}

    def key_of(self, stream: str, entity_id: str) -> str | None:
        """Whose state that entity counted for last."""
        found = self._db.execute("SELECT key FROM key_of WHERE stream = ? AND id = ?", (stream, entity_id)).fetchone()
        return found[0] if found else None

    def rows(self, stream: str, begin: float, end: float) -> list[State]:
        """Of that time, the end not among it, by time."""
        sql = "SELECT body FROM row WHERE stream = ? AND at >= ? AND at < ? ORDER BY at, seq"
        return [json.loads(body) for (body,) in self._db.execute(sql, (stream, begin, end))]

    def first_row(self, stream: str, begin: float) -> float | None:
        """When the first row at or after that was."""
        sql = "SELECT min(at) FROM row WHERE stream = ? AND at >= ?"
        found: float | None = self._db.execute(sql, (stream, begin)).fetchone()[0]
        return found

    def outgoing(self, limit: int) -> list[tuple[int, State]]:
        found = self._db.execute("SELECT id, body FROM outgoing ORDER BY id LIMIT ?", (limit,))
        return [(number, json.loads(body)) for number, body in found]

    def sent(self, upto: int) -> None:
        self._db.execute("DELETE FROM outgoing WHERE id <= ?", (upto,))

    def aside(self) -> list[tuple[str, int, str]]:
        """Events whose handler failed: stream, place, error."""
        return list(self._db.execute("SELECT stream, seq, error FROM aside ORDER BY stream, seq"))

    def commit(self, one: Commit) -> None:
        """All of it or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._apply(one)
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _apply(self, one: Commit) -> None:
        name, place = one.stream, one.place
        put = "INSERT OR REPLACE INTO place VALUES (?, ?, ?, ?)"
        self._db.execute(put, (name, place.seq, place.watermark, place.closed))
        kept = [(name, key, json.dumps(state)) for key, state in one.states.items() if state]
        gone = [(name, key) for key, state in one.states.items() if not state]
        self._db.executemany("INSERT OR REPLACE INTO state VALUES (?, ?, ?)", kept)
        self._db.executemany("DELETE FROM state WHERE stream = ? AND key = ?", gone)
        known = [(name, identifier, key) for identifier, key in one.keys.items() if key is not None]
        lost = [(name, identifier) for identifier, key in one.keys.items() if key is None]
        self._db.executemany("INSERT OR REPLACE INTO key_of VALUES (?, ?, ?)", known)
        self._db.executemany("DELETE FROM key_of WHERE stream = ? AND id = ?", lost)
        rows = [(name, at, seq, json.dumps(body)) for at, seq, body in one.rows]
        self._db.executemany("INSERT OR IGNORE INTO row VALUES (?, ?, ?, ?)", rows)
        self._db.executemany("INSERT INTO outgoing (body) VALUES (?)", [(json.dumps(body),) for body in one.out])
        self._db.executemany("INSERT INTO aside VALUES (?, ?, ?)", [(name, seq, error) for seq, error in one.aside])
        if one.forget_before is not None:
            self._db.execute("DELETE FROM row WHERE stream = ? AND at < ?", (name, one.forget_before))

    def close(self) -> None:
        self._db.close()
