"""The app door's own rules: who is really on the line, and how much each may say. What breaks them is told as an event.

The kernel says which user holds the other end of a local socket, and each app has a user of its own: a token counts only in the hands of
the app it was made for. Kinds of event: forged (a token of another's, or of nobody's), flooded (more than its quota of messages),
refused (what it was not granted), no_consent (a person who did not agree).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from madang.base.errors import TooMany, Unauthorized
from madang.base.limits import APP_EVENTS_MAX, APP_FLOOD_WAIT_S
from madang.runtime.records import Event, Installed
from madang.runtime.running import FIRST_UID
from madang.trust.caller import Claim

_SAME_S = 60.0
_LOOK_S = 1.0
_STALE_S = 5.0
Apps = Callable[[], Awaitable[list[Installed]]]
Sleep = Callable[[float], Awaitable[None]]


class Doorman:
    """`apps`: all that are installed. `clock_s`: seconds of any clock; `wait`: lets that many pass."""

    def __init__(self, apps: Apps, clock_s: Callable[[], float] = time.time, wait: Sleep = asyncio.sleep) -> None:
        self._apps, self._clock_s, self._wait = apps, clock_s, wait
        self._by_uid: dict[int, str] = {}
        self._rates: dict[str, float] = {}
        self._left: dict[str, tuple[float, float]] = {}
        self._looked_s = float("-inf")
        self._turn = asyncio.Lock()
        self._last: dict[tuple[str, str, str], float] = {}
        self.events: deque[Event] = deque(maxlen=20 * APP_EVENTS_MAX)

    async def check(self, claim: Claim, uid: int | None) -> None:
        """Of a request or frame at the app door: in whose name, and from which user. Waits where there were too many. Raises
        Unauthorized for another's token, TooMany."""
        app_id = claim.principal.id
        if uid is not None and uid >= FIRST_UID:
            real = await self._who(uid)
            if real != app_id:
                self.tell(real, "forged", app_id)
                await self._wait(APP_FLOOD_WAIT_S)
                raise Unauthorized("this token was made for somebody else")
        rate = await self._rate(app_id)
        wait_s = self._take(app_id, rate) if rate is not None else 0.0
        if wait_s:
            self.tell(app_id, "flooded", f"{rate:g}/s")
            await self._wait(min(wait_s, APP_FLOOD_WAIT_S))
            raise TooMany("more messages than its manifest says", wait_s=max(1, round(wait_s)))

    async def stranger(self, uid: int | None) -> None:
        """Somebody showed a token that opens nothing."""
        if uid is not None and uid >= FIRST_UID:
            self.tell(await self._who(uid), "forged", "")
        await self._wait(APP_FLOOD_WAIT_S)

    def refused(self, claim: Claim, path: str, status: int) -> None:
        """What became of a request, when it was refused."""
        if claim.principal.kind == "app" and status in (403, 404):
            is_person = path.startswith("/madang/v1/persons")
            if is_person or status == 403:
                self.tell(claim.principal.id, "no_consent" if is_person else "refused", path.partition("?")[0][:200])

    def tell(self, app_id: str, kind: str, detail: str) -> None:
        """Once a minute for the same."""
        now, key = self._clock_s(), (app_id, kind, detail)
        if not app_id or now - self._last.get(key, float("-inf")) < _SAME_S:
            return
        if len(self._last) > 20 * APP_EVENTS_MAX:
            self._last.clear()
        self._last[key] = now
        self.events.append(Event(app_id, datetime.fromtimestamp(now, UTC), kind, detail))

    async def _who(self, uid: int) -> str:
        if uid not in self._by_uid:
            await self._look(0.0)
        return self._by_uid.get(uid, "")

    def knows(self, app_id: str) -> bool:
        """Whether it is one of the installed, as far as was seen."""
        return app_id in self._rates

    async def _rate(self, app_id: str) -> float | None:
        """None of a client that is no installed app."""
        if app_id not in self._rates or self._clock_s() - self._looked_s > _STALE_S:
            await self._look(_LOOK_S)
        return self._rates.get(app_id)

    async def _look(self, old_s: float) -> None:
        """At who is installed, when what is known is older; one look at a time, which all wait for."""
        async with self._turn:
            if self._clock_s() - self._looked_s < old_s:
                return
            found = await self._apps()
            self._looked_s = self._clock_s()
            self._by_uid = {FIRST_UID + one.number: one.id for one in found}
            self._rates = {one.id: float(one.manifest.quota.messages_per_s) for one in found}

    def _take(self, app_id: str, rate: float) -> float:
        """0 when it may go on; otherwise the seconds until it may. Two seconds' worth at once after a rest."""
        now = self._clock_s()
        left, then = self._left.get(app_id, (2 * rate, now))
        left = min(2 * rate, left + (now - then) * rate)
        granted = left >= 1
        self._left[app_id] = (left - 1 if granted else left, now)
        return 0.0 if granted else (1 - left) / rate
