"""How long what a client asks for is kept: ISO 8601 durations within bounds (clauses 5.2.39, 5.2.41)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from madang.base.errors import BadRequest
from madang.history.duration import parse_duration


def until(asked: Any, now: datetime, default_s: int, most_s: int) -> datetime:
    """When it ends: as `asked`, after `default_s` seconds when nothing is, never after more than `most_s`. Raises BadRequest."""
    if asked in (None, ""):
        return now + timedelta(seconds=default_s)
    duration = parse_duration(asked) if isinstance(asked, str) else None
    if duration is None:
        raise BadRequest("a lifetime is an ISO 8601 duration of more than nothing")
    return min(duration.after(now, 1), now + timedelta(seconds=most_s))
