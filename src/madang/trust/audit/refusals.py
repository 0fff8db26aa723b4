"""What doors refuse, on record: once a minute for each who and what, so that asking a thousand times makes no thousand entries."""

from __future__ import annotations

from madang.base.clock import Clock
from madang.base.limits import REFUSALS_MAX_PER_MINUTE
from madang.trust.audit.recorder import Recorder

SHOWN_SEGMENTS = 3  # of a path: what follows may name a person


class Refusals:
    """Of one gateway. Beyond the limit of a minute nothing more of it is told."""

    def __init__(self, recorder: Recorder, clock: Clock) -> None:
        self._recorder, self._clock = recorder, clock
        self._minute, self._told = 0, set[tuple[str, str]]()

    def tell(self, who: str, method: str, path: str) -> None:
        """Of a request that was answered 403. `path`: as it was asked for."""
        minute = int(self._clock.now().timestamp() // 60)
        if minute != self._minute:
            self._minute = minute
            self._told.clear()
        what = f"{method} {'/'.join(path.partition('?')[0].split('/')[: SHOWN_SEGMENTS + 1])}"[:200]
        if (who, what) in self._told or len(self._told) >= REFUSALS_MAX_PER_MINUTE:
            return
        self._told.add((who, what))
        self._recorder.after(who, "refused", what, outcome="refused")
