"""What does not change of many junctions, as arrays: which lane goes in which stage, and who gives way to whom.

Axes: J junctions, S stages, K links, L lanes; each padded to the largest. A padded stage and one that is unfit are not
`valid`, a padded link belongs to no lane.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from .model import Junction

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]
Size = tuple[int, int, int]

ALIKE = 200


@dataclass(frozen=True)
class Plant:
    """`protected`, `permitted` [J,S,K] are 1 where a stage shows a link `G`, `g`; `lane_of` [J,K,L] says whose link it is (two
    lanes may share one);
    `yields` [J,L,L] is 1 where a lane has a link that gives way to one of another; `least_s` [J,S] are minimum greens,
    `change_s` [J] yellow and all-red, both in s."""

    protected: Floats
    permitted: Floats
    lane_of: Floats
    yields: Floats
    valid: Flags
    least_s: Floats
    change_s: Floats

    @property
    def lanes(self) -> int:
        return int(self.lane_of.shape[2])

    def only(self, rows: Whole) -> Plant:
        """The plant of some of the junctions."""
        return Plant(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def cut(self, size: Size) -> Plant:
        """The plant without its padding beyond a size."""
        s, k, n = size
        return Plant(
            protected=self.protected[:, :s, :k],
            permitted=self.permitted[:, :s, :k],
            lane_of=self.lane_of[:, :k, :n],
            yields=self.yields[:, :n, :n],
            valid=self.valid[:, :s],
            least_s=self.least_s[:, :s],
            change_s=self.change_s,
        )

    def alike(self) -> Iterator[tuple[Whole, Size]]:
        """Rows of junctions of about the same size, and the stages, links and lanes of the largest among them: padding is
        work, and what fits into a processor's cache is done sooner."""
        sizes = [_used(self.protected + self.permitted, 2), _used(self.lane_of, 2), _used(self.lane_of, 1)]
        for rows in np.array_split(np.lexsort(sizes[::-1]), max(1, len(self.valid) // ALIKE)):
            s, k, n = (int(one[rows].max()) for one in sizes)
            yield rows, (s, k, n)


def _used(worth: Floats, axis: int) -> Whole:
    """[J] how many places of the axis that is left are in use, up to the last that is not 0."""
    flags = np.asarray(worth.max(axis) > 0)
    return np.asarray((flags * np.arange(1, flags.shape[1] + 1)).max(1))


def make_plant(junctions: Sequence[Junction]) -> Plant:
    """Arrays of junctions, in their order. Needs one junction at least."""
    j, s = len(junctions), max(len(one.stages) for one in junctions)
    k, n = max(len(one.stages[0]) for one in junctions), max(len(one.lanes) for one in junctions)
    plant = Plant(
        protected=np.zeros((j, s, k)),
        permitted=np.zeros((j, s, k)),
        lane_of=np.zeros((j, k, n)),
        yields=np.zeros((j, n, n)),
        valid=np.zeros((j, s), dtype=bool),
        least_s=np.zeros((j, s)),
        change_s=np.array([one.yellow_s + one.all_red_s for one in junctions]),
    )
    for row, junction in enumerate(junctions):
        _fill(plant, row, junction)
    return plant


def _fill(plant: Plant, row: int, junction: Junction) -> None:
    for stage, state in enumerate(junction.stages):
        plant.valid[row, stage] = stage not in junction.unfit
        plant.least_s[row, stage] = junction.min_green_s[stage]
        plant.protected[row, stage, : len(state)] = [letter == "G" for letter in state]
        plant.permitted[row, stage, : len(state)] = [letter == "g" for letter in state]
    for number, lane in enumerate(junction.lanes):
        plant.lane_of[row, list(lane.links), number] = 1.0
    for link, other in junction.yields:
        mine, theirs = plant.lane_of[row, link], plant.lane_of[row, other]
        plant.yields[row] = np.maximum(plant.yields[row], np.outer(mine, theirs))
