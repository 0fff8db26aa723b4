"""Waiting on conditions, never on a guessed time."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any


async def until(condition: Callable[[], Any], what: str, timeout_s: float = 30.0) -> Any:
    """The first true value of the condition (a function or a coroutine function). Fails naming what did not come."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        value = condition()
        value = await value if inspect.isawaitable(value) else value
        if value:
            return value
        await asyncio.sleep(0.02)
    raise AssertionError(f"after {timeout_s:g} s still not: {what}")
