"""Token buckets: so many requests a second, and so many at once after a rest. Pure but for what it remembers."""

from __future__ import annotations

from collections import OrderedDict


class Buckets:
    """One bucket by key; of more than `most` keys those that rested longest are forgotten, which fills them. `rate_per_s` may be
    lowered for one key by `factor` (0 to 1)."""

    __slots__ = ("_burst", "_kept", "_most", "_rate_per_s")

    def __init__(self, rate_per_s: float, burst: float, most: int) -> None:
        self._rate_per_s, self._burst, self._most = rate_per_s, burst, most
        self._kept: OrderedDict[str, tuple[float, float]] = (
            OrderedDict()
        )  # tokens left, and when, in seconds of any clock

    def __len__(self) -> int:
        return len(self._kept)

    def take(self, key: str, now_s: float, factor: float = 1.0) -> float:
        """0 when a token was taken; otherwise the seconds until there is one."""
        rate, burst = self._rate_per_s * factor, max(1.0, self._burst * factor)
        left, then_s = self._kept.get(key, (burst, now_s))
        left = min(burst, left + (now_s - then_s) * rate)
        granted = left >= 1
        self._kept[key] = (left - 1 if granted else left, now_s)
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return 0.0 if granted else (1 - left) / rate
