"""What a line takes from stop to stop when its vehicles run evenly, learned from its own vehicles. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate

LEARN = 0.1
RUN_S, DWELL_S = 60.0, 15.0
"""Believed of a stretch and of a stop that no vehicle was seen on yet, in s."""


@dataclass(frozen=True)
class Seen:
    """The latest that is known of a vehicle: it came to the stop of this number, or left it, at `at_s`."""

    stop: int
    at_s: float
    has_left: bool


@dataclass
class Profile:
    """Times in s. `run_s[n]`: from leaving stop n to coming to stop n + 1; `dwell_s[n]`: what passengers take at stop n."""

    run_s: list[float]
    dwell_s: list[float]
    known: set[tuple[str, int]] = field(default_factory=set)

    def learn_run(self, stop: int, seconds: float) -> None:
        """Take in what one vehicle needed after `stop`: the first counts whole, later ones `LEARN`."""
        self._learn("run", self.run_s, stop, seconds)

    def learn_dwell(self, stop: int, seconds: float) -> None:
        """Take in what one vehicle's passengers needed at `stop`; what it was held for is not theirs."""
        self._learn("dwell", self.dwell_s, stop, seconds)

    def _learn(self, kind: str, table: list[float], stop: int, seconds: float) -> None:
        share = LEARN if (kind, stop) in self.known else 1.0
        self.known.add((kind, stop))
        table[stop] += share * (seconds - table[stop])

    def leaves_s(self, seen: Seen, stop: int, now_s: float) -> float:
        """When a vehicle that was last seen as `seen` would leave `stop` unheld; what is overdue by now comes now at the
        earliest. For a stop that it has left: when it would have left it."""
        if seen.stop == stop:
            return seen.at_s if seen.has_left else max(now_s, seen.at_s + self.dwell_s[stop])
        offsets = self._leaving_s()
        left_s = seen.at_s if seen.has_left else max(now_s, seen.at_s + self.dwell_s[seen.stop])
        due_s = left_s + offsets[stop] - offsets[seen.stop]
        if seen.stop > stop:
            return due_s
        beyond = offsets[stop] - offsets[seen.stop] - self.run_s[seen.stop]
        return max(due_s, now_s + beyond)

    def arrives_s(self, seen: Seen, stop: int, now_s: float) -> float:
        """When it would come to `stop`."""
        return self.leaves_s(seen, stop, now_s) - self.dwell_s[stop]

    def _leaving_s(self) -> list[float]:
        """When a vehicle that came to the first stop at 0 leaves each."""
        steps = [self.dwell_s[0], *(run + dwell for run, dwell in zip(self.run_s, self.dwell_s[1:], strict=False))]
        return list(accumulate(steps))


def new_profile(stops: int) -> Profile:
    """Of a line that nobody has driven yet."""
    return Profile([RUN_S] * stops, [DWELL_S] * stops)
