"""An act on record before it is done, and how it ended after."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from madang.base.errors import MadangError
from madang.trust.audit.recorder import Recorder

T = TypeVar("T")


async def acted(recorder: Recorder, who: str, what: str, whom: str, act: Coroutine[Any, Any, T]) -> T:
    """What the act gives. Raises Unavailable, undone, when it cannot be put on record, and whatever the act raises."""
    try:
        await recorder.before(who, what, whom)
    except BaseException:
        act.close()
        raise
    try:
        result = await act
    except BaseException as error:
        told = error.detail if isinstance(error, MadangError) else type(error).__name__
        recorder.after(who, what, whom, "", "failed", detail=told)
        raise
    recorder.after(who, what, whom)
    return result
