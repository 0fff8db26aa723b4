"""When the next attempt is heard after wrong ones. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from madang.base.limits import SIGN_IN_FREE_FAILURES, SIGN_IN_PAUSE_MAX_S, SIGN_IN_PAUSE_S


def pause_s(failures: int) -> float:
    """Seconds after so many wrong attempts in a row: none for the first few, then doubling up to a bound. An account is never
    closed for good by strangers who guess, and a passkey opens it meanwhile."""
    over = failures - SIGN_IN_FREE_FAILURES
    return 0.0 if over < 0 else min(SIGN_IN_PAUSE_S * 2.0 ** min(over, 30), SIGN_IN_PAUSE_MAX_S)


def heard_at(failures: int, failed_at: datetime | None) -> datetime | None:
    """The moment from which an attempt is heard; None when it is heard at once."""
    wait = pause_s(failures)
    return None if failed_at is None or not wait else failed_at + timedelta(seconds=wait)
