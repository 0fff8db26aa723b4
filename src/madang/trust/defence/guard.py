"""The edge of every door: how much one address and one principal may ask, who is held back, and what is kept of each request."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from madang.base.city import Act, DefenceSettings
from madang.base.errors import Forbidden, TooMany
from madang.base.limits import DEFENCE_SUBJECTS_MAX
from madang.trust.defence.access import AccessStream
from madang.trust.defence.buckets import Buckets
from madang.trust.defence.source import is_this_machine, source_of

THROTTLED = 0.01  # of the usual rate


@dataclass(frozen=True)
class Hold:
    """What is done to a principal or an address, until when (seconds of the epoch), and by which verdict."""

    act: Act
    until_s: float
    verdict: str


class Guard:
    """Rates do not bind who asks on this machine (benches, demos, a city's own scripts); holds do. `clock_s`: seconds of the epoch."""

    def __init__(self, settings: DefenceSettings, clock_s: Callable[[], float] = time.time) -> None:
        self._by_address = Buckets(settings.address_per_s, settings.address_burst, DEFENCE_SUBJECTS_MAX)
        self._by_principal = Buckets(settings.principal_per_s, settings.principal_burst, DEFENCE_SUBJECTS_MAX)
        self._proxies, self._clock_s = frozenset(settings.proxies), clock_s
        self.stream = AccessStream()
        self.holds: dict[str, Hold] = {}
        self.changed: list[Callable[[], None]] = []

    def hold(self, holds: dict[str, Hold]) -> None:
        """Who is held back from now on; whoever follows is told when that is somebody else."""
        if holds != self.holds:
            self.holds = holds
            for tell in self.changed:
                tell()

    def is_quarantined(self, key: str) -> bool:
        hold = self.holds.get(key)
        return hold is not None and hold.act == "quarantine" and hold.until_s > self._clock_s()

    def source(self, client: tuple[str, int] | None, headers: Mapping[bytes, bytes]) -> str:
        peer = client[0] if client else None
        forwarded = headers.get(b"x-forwarded-for", b"").decode("latin-1") if peer in self._proxies else ""
        return source_of(peer, forwarded, self._proxies)

    def admit_source(self, source: str) -> None:
        """Before anybody looks at a credential. Raises TooMany (with `wait_s`), Forbidden."""
        factor = self._factor(source)
        if factor < 1 or not is_this_machine(source):
            self._take(self._by_address, source, factor)

    def admit_principal(self, who: str, source: str) -> None:
        """Raises TooMany (with `wait_s`), Forbidden. Strangers are known by their address alone."""
        if who == "anonymous":
            return
        factor = self._factor(who)
        if factor < 1 or not is_this_machine(source):
            self._take(self._by_principal, who, factor)

    def saw(
        self, who: str, source: str, method: str, path: str, status: int, entities: int, size: int, query: bytes
    ) -> None:
        """Keeps a request for the detector. Nobody is known by this machine's own address: benches and demos are not watched."""
        if who != "anonymous" or not is_this_machine(source):
            self.stream.add(who, source, method, path, status, entities, size, query)

    def _factor(self, key: str) -> float:
        """How much of the usual is allowed. Raises Forbidden for who is in quarantine."""
        hold = self.holds.get(key) if self.holds else None
        if hold is None or hold.act == "tell" or hold.until_s <= self._clock_s():
            return 1.0
        if hold.act == "quarantine":
            raise Forbidden("held back after something unusual: ask the city's administrators", verdict=hold.verdict)
        return THROTTLED

    def _take(self, buckets: Buckets, key: str, factor: float) -> None:
        wait_s = buckets.take(key, self._clock_s(), factor)
        if wait_s:
            raise TooMany("too many requests", wait_s=math.ceil(wait_s))
