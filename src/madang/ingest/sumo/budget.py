"""How many messages a wall second may carry: a bucket that fills with simulated time. Pure."""

from __future__ import annotations

from dataclasses import dataclass

BURST_S = 2.0


@dataclass
class Budget:
    """`per_wall_s` messages a wall second at `speed` simulated seconds a wall second.

    Measurements and states are always sent and spend what is there; positions of vehicles take what is left.
    """

    per_wall_s: float
    speed: float = 1.0
    left: float = 0.0

    def refill(self, simulated_s: float = 1.0) -> None:
        rate = self.per_wall_s / max(self.speed, 1e-6)
        self.left = min(self.left + rate * simulated_s, self.per_wall_s * BURST_S)

    def spend(self, messages: int) -> None:
        self.left = max(self.left - messages, -self.per_wall_s * BURST_S)

    def spare(self) -> int:
        """Messages that may still be sent."""
        return max(0, int(self.left))
