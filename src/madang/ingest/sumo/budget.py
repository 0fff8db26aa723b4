"""How many messages a wall second may carry: a bucket that fills with simulated time. Pure."""

from __future__ import annotations

from dataclasses import dataclass

BURST_S = 2.0
FLOOR = 0.2


@dataclass
class Budget:
    """`per_wall_s` messages a wall second at `speed` simulated seconds a wall second.

    Measurements and states are always sent and spend what is there; positions of vehicles take what is left, and a
    share of `FLOOR` in any case: at speed 10 loops and signals alone may spend all, and the map must still move.
    """

    per_wall_s: float
    speed: float = 1.0
    left: float = 0.0
    kept: float = 0.0

    def refill(self, simulated_s: float = 1.0) -> None:
        rate = self.per_wall_s / max(self.speed, 1e-6)
        self.left = min(self.left + rate * simulated_s, self.per_wall_s * BURST_S)
        self.kept = min(self.kept + FLOOR * rate * simulated_s, self.per_wall_s * BURST_S * FLOOR)

    def spend(self, messages: int) -> None:
        self.left = max(self.left - messages, -self.per_wall_s * BURST_S)

    def spare(self) -> int:
        """Messages that may still be sent."""
        return max(0, int(self.left), int(self.kept))

    def position(self) -> None:
        """A position was sent."""
        self.spend(1)
        self.kept = max(0.0, self.kept - 1)
