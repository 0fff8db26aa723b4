"""The temporal room as one: reading, taking back, and how much goes into one answer."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from madang.base.limits import HISTORY_MAX_INSTANCES
from madang.history.editing import Editor
from madang.history.store import History


@dataclass(frozen=True)
class Past:
    """`max_instances`: more than these in one answer go out by 206, a part at a time."""

    history: History
    editor: Editor
    max_instances: int = HISTORY_MAX_INSTANCES


def open_past(pool: asyncpg.Pool, max_instances: int = HISTORY_MAX_INSTANCES) -> Past:
    """The past of the schema that the pool is in."""
    return Past(History(pool), Editor(pool), max_instances)
