"""The two arms of a trial, and what each left: the same city, seed and day, without the app and with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from madang.twin.traffic.trips import Travel


@dataclass(frozen=True)
class Cost:
    """What the app took in one run: processor seconds, resident memory at its highest in bytes, commands by what became of them,
    uses of its door by the meter's measures."""

    cpu_s: float
    memory_bytes: int
    commands: dict[str, int]
    uses: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Arm:
    """`truth`: the incidents that happened, as the field would tell them; `said`: entities of the types a scorer asked for, in
    concise form, as they were at the end; `cost` is None without the app. `begin_s`, `end_s`: seconds of the day."""

    travel: Travel
    truth: list[dict[str, Any]]
    begin_s: int
    end_s: int
    said: list[dict[str, Any]] = field(default_factory=list)
    cost: Cost | None = None


@dataclass(frozen=True)
class Measure:
    """`better`: less, more, or none where it only tells. `name` has its words on the pages."""

    name: str
    unit: str
    better: str


class Scorer(Protocol):
    """What a kind of app is judged by. Installed ones are found as entry points of the group `madang.scorers`: an object or a
    class without arguments of this shape, whose name is the `[score] kind` of a manifest. An app cannot bring the scorer that
    judges it; whoever runs the testbed installs it."""

    @property
    def measures(self) -> tuple[Measure, ...]: ...

    @property
    def reads(self) -> tuple[str, ...]:
        """Entity types that `values` wants in `Arm.said`."""
        ...

    @property
    def is_hidden(self) -> bool:
        """Whether the field keeps accidents and events to itself."""
        ...

    def script(self, seed: int, seconds: int) -> list[dict[str, Any]]:
        """What happens in the city in both arms: injections (ingest.sumo.injection) with `at_s`, seconds after the begin."""
        ...

    def values(self, arm: Arm) -> dict[str, float | None]:
        """By the name of each measure; None where there was nothing to measure. Pure."""
        ...
