"""What is expected at many junctions from now on, as arrays: the one thing that all eyes give and the plan is made of."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from .plant import Floats, Plant, Size, Whole

STEP_S = 2.0
HORIZON_S = 60.0
STEPS = int(HORIZON_S / STEP_S)
NOBODY = -1


@dataclass(frozen=True)
class Traffic:
    """`queue` [J,L] vehicles at the stop line, `arrivals` [T,J,L] those who would reach it in each step of STEP_S if nothing
    stopped them, `share` [J,K] of its lane's vehicles that a link takes, `room` [J,K] 0 (no place behind the junction) to 1,
    `first` [J,L] the link of who stands first or NOBODY where it is not known."""

    queue: Floats
    arrivals: Floats
    share: Floats
    room: Floats
    first: Whole

    def only(self, rows: Whole) -> Traffic:
        """The traffic of some of the junctions."""
        told = {field.name: getattr(self, field.name)[rows] for field in fields(self) if field.name != "arrivals"}
        return Traffic(arrivals=self.arrivals[:, rows], **told)

    def cut(self, size: Size) -> Traffic:
        """The traffic without its padding beyond a size."""
        _, k, n = size
        return Traffic(
            self.queue[:, :n], self.arrivals[:, :, :n], self.share[:, :k], self.room[:, :k], self.first[:, :n]
        )


def no_traffic(plant: Plant) -> Traffic:
    """Nobody anywhere, room everywhere, and each lane's vehicles shared equally among its links."""
    j, k, n = plant.lane_of.shape
    links = np.maximum(1.0, plant.lane_of.sum(1))
    return Traffic(
        queue=np.zeros((j, n)),
        arrivals=np.zeros((STEPS, j, n)),
        share=(plant.lane_of / links[:, None, :]).max(2),
        room=np.ones((j, k)),
        first=np.full((j, n), NOBODY),
    )
