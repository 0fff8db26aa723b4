"""Buses and trams of the simulator at their stops: doors, passengers, and the driver who follows an instruction to wait.

The driver keeps bounds of their own: waits at a stop only, at most `HOLD_MAX_S` after the doors could close, and never for who
has gone. `stop` of a report is where the vehicle stands or the next on its way, `status` as in GTFS Realtime.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from madang.ingest.sumo.controller import Verdict
from madang.ingest.sumo.riders import PER_H, Riders
from madang.ingest.sumo.vehicles import KINDS

HOLD_MAX_S = 90.0
STOPPED, ON_THE_WAY = "STOPPED_AT", "IN_TRANSIT_TO"


@dataclass
class Standing:
    """At a stop, whose doors can close at `ready_s`, and which is left at `leaves_s`."""

    stop: str
    ready_s: float
    leaves_s: float


@dataclass
class Transit:
    """Every vehicle of a line that is on the road. `held_s` is what they waited on instruction, in all."""

    riders: Riders
    mode: dict[str, str] = field(default_factory=dict)
    aboard: dict[str, int] = field(default_factory=dict)
    standing: dict[str, Standing] = field(default_factory=dict)
    held_s: float = 0.0

    def step(self, sumo: Any, now_s: int) -> None:
        """After a simulated second: who came to a stop stands as long as its passengers take."""
        for vehicle in sumo.simulation.getDepartedIDList():
            self.join(sumo, vehicle)
        for vehicle in sumo.simulation.getArrivedIDList():
            self._forget(vehicle)
        for vehicle in self.mode:
            stands = sumo.vehicle.isAtBusStop(vehicle)
            if stands and vehicle not in self.standing:
                self._open_doors(sumo, vehicle, now_s)
            elif not stands:
                self.standing.pop(vehicle, None)

    def join(self, sumo: Any, vehicle: str) -> None:
        """Take in a vehicle that drives for a line; others are nothing to this room."""
        mode = KINDS.get(sumo.vehicle.getVehicleClass(vehicle), "")
        if mode in PER_H and sumo.vehicle.getLine(vehicle):
            self.mode[vehicle] = mode
            self.aboard.setdefault(vehicle, self.riders.aboard_at_first(vehicle, mode))

    def _forget(self, vehicle: str) -> None:
        for table in (self.mode, self.aboard, self.standing):
            table.pop(vehicle, None)

    def _open_doors(self, sumo: Any, vehicle: str, now_s: int) -> None:
        stop = sumo.vehicle.getStops(vehicle, 1)[0].stoppingPlaceID
        line, aboard = sumo.vehicle.getRouteID(vehicle), self.aboard[vehicle]
        stay = self.riders.stay(line, stop, self.mode[vehicle], aboard, now_s)
        self.aboard[vehicle] = aboard - stay.alighted + stay.boarded
        self.standing[vehicle] = Standing(stop, now_s + stay.dwell_s, now_s + stay.dwell_s)
        _leave_after(sumo, vehicle, stay.dwell_s)

    def hold(self, sumo: Any, vehicle: str, name: str, until_s: float, now_s: float) -> Verdict:
        """Wait at the stop until `until_s`, or go when the doors close if that is later. A later word replaces an earlier. `name`: the
        command's."""
        if vehicle not in self.mode:
            return Verdict(name, False, "unknown_vehicle")
        here = self.standing.get(vehicle)
        if here is None:
            return Verdict(name, False, "not_at_stop")
        if until_s - here.ready_s > HOLD_MAX_S:
            return Verdict(name, False, "hold_too_long")
        leaves_s = max(here.ready_s, until_s, now_s)
        self.held_s += leaves_s - here.leaves_s
        here.leaves_s = leaves_s
        _leave_after(sumo, vehicle, leaves_s - now_s)
        return Verdict(name, True)

    def tell(self, sumo: Any, vehicle: str) -> dict[str, Any]:
        """What the vehicle's computer adds to its position."""
        here = self.standing.get(vehicle)
        stop = here.stop if here else next((one.stoppingPlaceID for one in sumo.vehicle.getStops(vehicle, 1)), "")
        body = {"route": sumo.vehicle.getRouteID(vehicle).removeprefix("line"), "stop": stop}
        return body | {"status": STOPPED if here else ON_THE_WAY, "passengers": self.aboard.get(vehicle, 0)}

    def told(self) -> dict[str, Any]:
        """Mean wait of who boarded, and what vehicles waited on instruction, in s; null until somebody boarded."""
        mean_s = round(self.riders.waited_s / self.riders.boarded, 1) if self.riders.boarded else None
        return {"stop_wait_s": mean_s, "boarded": self.riders.boarded, "held_s": round(self.held_s)}

    def begin(self) -> None:
        """Count from here."""
        self.riders.boarded, self.riders.waited_s, self.held_s = 0, 0.0, 0.0

    def snapshot(self) -> dict[str, Any]:
        standing = {vehicle: asdict(here) for vehicle, here in self.standing.items()}
        return {"riders": self.riders.snapshot(), "aboard": self.aboard, "standing": standing, "held_s": self.held_s}

    def restore(self, sumo: Any, saved: Mapping[str, Any]) -> None:
        """Continue from `snapshot`; the simulator has the same vehicles."""
        self.riders.restore(saved["riders"])
        self.aboard, self.held_s = dict(saved["aboard"]), saved["held_s"]
        self.standing = {vehicle: Standing(**here) for vehicle, here in saved["standing"].items()}
        for vehicle in sumo.vehicle.getIDList():
            self.join(sumo, vehicle)


def _leave_after(sumo: Any, vehicle: str, seconds: float) -> None:
    """SUMO counts down what is left of a stop that was reached."""
    sumo.vehicle.setStopParameter(vehicle, 0, "duration", str(max(0.0, seconds)))
