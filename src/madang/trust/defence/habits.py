"""What is usual for one number and one mix, learned as it comes and forgotten by and by. Pure but for what it remembers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from madang.base.limits import DEFENCE_SHAPES_MAX

LEARNED_AFTER = 8
"""Windows before anything can be unusual."""
OTHER, RARE = "other", 0.01


@dataclass(slots=True)
class Usual:
    """Exponentially weighted mean and variance: of the logarithm of a count, as volumes differ by factors and not by sums, or of a
    `plain` number. A deviation is at least `floor`: 0.35 is a factor of 1.4; of a plain number it is a share of the mean."""

    weight: float = 0.08
    floor: float = 0.35
    plain: bool = False
    seen: int = 0
    mean: float = 0.0
    variance: float = 0.0
    drift: float = 0.0
    total: float = 0.0

    def score(self, value: float) -> float:
        """Deviations from the usual; 0 while there is no usual yet."""
        if self.seen < LEARNED_AFTER:
            return 0.0
        return (self._told(value) - self.mean) / max(self._floor(), math.sqrt(self.variance))

    def learn(self, value: float) -> None:
        """The first values count alike, later ones by their weight, and no value for more than two deviations: what is slowly
        raised does not become the usual before it was noticed."""
        told, weight = self._told(value), max(self.weight, 1 / (self.seen + 1))
        if self.seen >= LEARNED_AFTER:
            reach = 2 * math.sqrt(self.variance) + self._floor()
            told = min(max(told, self.mean - reach), self.mean + reach)
        away = told - self.mean
        self.mean += weight * away
        self.variance = (1 - weight) * (self.variance + weight * away * away)
        self.seen += 1

    def add_up(self, value: float, slack: float = 1.0) -> float:
        """CUSUM: how far values stayed above the usual in sum, each by less than would alone be unusual."""
        self.drift = max(0.0, self.drift + self.score(value) - slack)
        return self.drift

    def typical(self) -> float:
        """The usual value."""
        return self.mean if self.plain else math.expm1(self.mean)

    def _floor(self) -> float:
        return max(1e-6, self.floor * abs(self.mean)) if self.plain else self.floor

    def _told(self, value: float) -> float:
        return value if self.plain else math.log1p(value)


@dataclass(slots=True)
class Mix:
    """The shares in which somebody does things, by name. `DEFENCE_SHAPES_MAX` names at most; the rest is one."""

    weight: float = 0.1
    seen: int = 0
    shares: dict[str, float] = field(default_factory=dict)

    def distance(self, counts: Mapping[str, int]) -> float:
        """Total variation, 0 to 1, from the usual shares; 0 while there are none yet."""
        if self.seen < LEARNED_AFTER:
            return 0.0
        now = self._of(counts)
        return sum(abs(now.get(name, 0.0) - self.shares.get(name, 0.0)) for name in now.keys() | self.shares.keys()) / 2

    def learn(self, counts: Mapping[str, int]) -> None:
        now, weight = self._of(counts), max(self.weight, 1 / (self.seen + 1))
        for name in self.shares.keys() | now.keys():
            before = self.shares.get(name, 0.0)
            self.shares[name] = before + weight * (now.get(name, 0.0) - before)
        self.seen += 1

    def newness(self, counts: Mapping[str, int]) -> float:
        """The share, 0 to 1, of what was hardly ever done before; 0 while there is no before."""
        if self.seen < LEARNED_AFTER:
            return 0.0
        return sum(share for name, share in self._of(counts).items() if self.shares.get(name, 0.0) < RARE)

    def standing_out(self, counts: Mapping[str, int]) -> str:
        """What stands out most against the usual."""
        now = self._of(counts)
        return max(now, key=lambda name: (now[name] - self.shares.get(name, 0.0), name))

    def _of(self, counts: Mapping[str, int]) -> dict[str, float]:
        total, out = sum(counts.values()), dict[str, float]()
        for name, count in counts.items():
            known = name if name in self.shares or len(self.shares) + len(out) < DEFENCE_SHAPES_MAX else OTHER
            out[known] = out.get(known, 0.0) + count / total
        return out
