"""When the next simulated second is due. Pure: wall seconds in, wall seconds out."""

from __future__ import annotations

from dataclasses import dataclass

GIVE_UP_LAG_S = 120.0
CATCH_UP_LAG_S = 5.0


@dataclass
class Pace:
    """Simulated second `origin_s` belongs to wall moment `wall_s`; both runs of a demo are given the same pair.

    Who falls behind (a restart) runs as fast as it can until it has caught up. A lag that does not shrink below
    `GIVE_UP_LAG_S` wall seconds means that this machine cannot keep the speed: the pair moves, the true speed is told.
    """

    origin_s: float
    wall_s: float
    speed: float = 1.0

    def wait_s(self, now_s: float, wall_s: float) -> float:
        """Wall seconds until simulated second `now_s` is due; 0 when it is late."""
        return max(0.0, self.wall_s + (now_s - self.origin_s) / self.speed - wall_s)

    def lag_s(self, now_s: float, wall_s: float) -> float:
        """Wall seconds behind."""
        return max(0.0, wall_s - self.wall_s - (now_s - self.origin_s) / self.speed)

    def catching_up(self, now_s: float, wall_s: float) -> bool:
        return self.lag_s(now_s, wall_s) > CATCH_UP_LAG_S

    def slip(self, now_s: float, wall_s: float) -> bool:
        """Move the origin when the lag is hopeless; whether it did."""
        if self.lag_s(now_s, wall_s) <= GIVE_UP_LAG_S:
            return False
        self.origin_s, self.wall_s = now_s, wall_s
        return True


@dataclass
class Meter:
    """The speed truly reached: simulated seconds a wall second over the last window."""

    window_s: float = 10.0
    _since_wall_s: float = 0.0
    _since_s: float = 0.0
    speed: float = 0.0

    def note(self, now_s: float, wall_s: float) -> bool:
        """Whether a window ended (then `speed` is new)."""
        if self._since_wall_s == 0.0:
            self._since_wall_s, self._since_s = wall_s, now_s
        if wall_s - self._since_wall_s < self.window_s:
            return False
        self.speed = (now_s - self._since_s) / (wall_s - self._since_wall_s)
        self._since_wall_s, self._since_s = wall_s, now_s
        return True
