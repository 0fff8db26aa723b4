"""The app's own nouns: a junction as its detectors and stages show it. Pure values; seconds are the city's time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

CAR_M = 7.5


@dataclass(frozen=True)
class Lane:
    """An approach lane. `links` under the signal; detectors `stop` at the line and `far` upstream, `far_m` before it.

    `exits` are detectors on the lanes behind the junction (by link), which show when there is no room to go; `outs` are
    those lanes as (link, junction, lane), `feeders` the lanes that lead here as (junction, lane, share of its vehicles).
    """

    id: str
    approach: str
    links: tuple[int, ...]
    stop: str | None = None
    far: str | None = None
    far_m: float = 0.0
    length_m: float = 30.0
    speed_mps: float = 11.0
    exits: tuple[str, ...] = ()
    feeders: tuple[tuple[str, str, float], ...] = ()
    outs: tuple[tuple[int, str, str], ...] = ()

    @property
    def room(self) -> float:
        """Vehicles that fit between the loops (or on a lane without a far loop)."""
        return max(1.0, (self.far_m if self.far else self.length_m) / CAR_M)


@dataclass(frozen=True)
class Part:
    """A controller of a joint junction: its links stand from `first` on."""

    id: str
    first: int
    links: int


@dataclass(frozen=True)
class Junction:
    """A controller: `stages` are state strings, `usual_s` their green in the fixed program, `walks` pedestrian links,
    `yields` pairs of links of which the first gives way to the second where both may go.

    Of several controllers that are steered as one (`join`) `parts` are they, `pairs` by stage the stage of each and `unfit`
    the stages that are never chosen.
    """

    id: str
    stages: tuple[str, ...]
    lanes: tuple[Lane, ...]
    min_green_s: tuple[float, ...]
    yellow_s: float = 3.0
    all_red_s: float = 1.0
    usual_s: tuple[float, ...] = ()
    walks: frozenset[int] = frozenset()
    max_red_s: float = 120.0
    yields: frozenset[tuple[int, int]] = frozenset()
    parts: tuple[Part, ...] = ()
    pairs: tuple[tuple[int, ...], ...] = ()
    unfit: frozenset[int] = frozenset()

    @property
    def members(self) -> tuple[Part, ...]:
        """The controllers of which this is made: itself, if it is no joint one."""
        return self.parts or (Part(self.id, 0, len(self.stages[0])),)

    def stages_of(self, stage: int) -> tuple[int, ...]:
        """The stage of each member in a stage of the whole."""
        return self.pairs[stage] if self.pairs else (stage,)


@dataclass(frozen=True)
class Reading:
    """One period of a loop: vehicles, share of the time it was covered, when the period ended."""

    count: float
    occupancy: float
    at_s: float


@dataclass(frozen=True)
class Shown:
    """What the controller shows: `stage` None in transition, since when (s)."""

    stage: int | None
    state: str
    since_s: float


@dataclass
class LaneMemory:
    """What is believed of a lane: vehicles between its two loops, recent arrivals, flow per s, last readings,
    since when the loops are covered by somebody who stands."""

    queue: float = 0.0
    flow_per_s: float = 0.05
    arrivals: deque[tuple[float, float]] = field(default_factory=deque)
    stop: Reading | None = None
    far: Reading | None = None
    stop_still_s: float | None = None
    far_still_s: float | None = None
    served_s: float = -1e9
    fill: float = 0.0
    open: bool = False
    opened_s: float = -1e9
    red_since_s: float = 0.0


@dataclass
class Memory:
    """Beliefs about a junction, and since when each of its links is red (s)."""

    lanes: dict[str, LaneMemory] = field(default_factory=dict)
    full_since_s: dict[str, float] = field(default_factory=dict)
    updated_s: float = 0.0
    red_since_s: list[float] = field(default_factory=list)
