"""A day of a running city as a file: what is there at the beginning, then every change from the log."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from madang.base.clock import from_iso, to_iso
from madang.base.errors import Unavailable
from madang.sdk.city_time import CityTime
from madang.sdk.door import Door, DoorError
from madang.sdk.feed import Feed, Followed
from madang.sdk.http import Address, DoorClosed
from madang.sdk.testing.recording import Recording, write_recording

FIRST_STATUS_S = 10.0


async def record(url: str, types: tuple[str, ...], seconds: float, path: Path, token: str = "") -> int:
    """How many changes were recorded. Raises Unavailable when the city is not there."""
    address, time, told = Address.of(url), CityTime(), asyncio.Event()
    changes: list[dict[str, Any]] = []

    async def take(frame: Mapping[str, Any]) -> None:
        # The city's time, not the database's: that is what a test's clock goes by.
        changes.extend({"at": _now(time, one), "op": one["op"], "entity": one["entity"]} for one in frame["changes"])

    def note(frame: Mapping[str, Any]) -> None:
        time.note(str(frame["city_time"]), float(frame.get("speed") or 1.0))
        told.set()

    feed = Feed(address, token, [Followed("log", types, take)], note)
    following = asyncio.create_task(feed.run())
    door = Door(address, token)
    try:
        await asyncio.wait_for(told.wait(), FIRST_STATUS_S)
        city, begin = await door.city(), to_iso(time.now())
        entities = [one for name in types for one in await door.query(name)]
        await asyncio.sleep(seconds)
    except (DoorClosed, DoorError, TimeoutError) as error:
        raise Unavailable(f"the city at {url} does not answer: {error!r}") from None
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        await door.close()
    later = [one for one in changes if one["at"] >= begin]
    write_recording(path, Recording(city["id"], city["timezone"], begin, types, entities, later))
    return len(later)


def _now(time: CityTime, change: Mapping[str, Any]) -> str:
    return to_iso(time.now()) if time.known else to_iso(from_iso(change["at"]))
