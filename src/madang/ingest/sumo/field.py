"""The simulated field: one simulated second in, messages of field equipment out. No wire, no wall clock.

Mode `live` speaks as every device; mode `shadow` runs the same day without apps and tells only `kpi/fixed`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from madang.ingest.sumo import loops as loops_room
from madang.ingest.sumo import places
from madang.ingest.sumo import stations as stations_room
from madang.ingest.sumo.budget import Budget
from madang.ingest.sumo.controller import SignalController, Verdict
from madang.ingest.sumo.incidents import Incidents
from madang.ingest.sumo.injection import Active, Refused, read_injection
from madang.ingest.sumo.kpi import Kpi, read_totals
from madang.ingest.sumo.messages import (
    MAY,
    CityTime,
    Message,
    Topics,
    loop_payload,
    receipt_payload,
    signal_payload,
)
from madang.ingest.sumo.network import Network
from madang.ingest.sumo.riders import Riders
from madang.ingest.sumo.transit import Transit
from madang.ingest.sumo.vehicles import Fleet, vehicle_payload
from madang.ingest.sumo.walkers import Walkers, walker_payload
from madang.ingest.sumo.weather import weather_at

LOOP_PERIOD_S = 2
KPI_EVERY_S = 10
SIGNAL_HEARTBEAT_S = 60


@dataclass(frozen=True)
class Setup:
    """What one field is: the city's id, its day, its seed and how much it may say."""

    city: str
    time: CityTime
    seed: int = 1
    live: bool = True
    max_messages_per_s: float = 250.0
    speed: float = 1.0


@dataclass
class Field:
    """Drives `sumo` (libsumo with the scene loaded). `now` is the simulated second of the day."""

    setup: Setup
    sumo: Any
    net: Network
    loops: list[loops_room.Loop]
    now: int
    controllers: dict[str, SignalController] = field(default_factory=dict)
    quiet: bool = False

    def __post_init__(self) -> None:
        known = set(self.sumo.trafficlight.getIDList())
        self.controllers = {n: SignalController(p) for n, p in sorted(self.net.plans.items()) if n in known}
        self.topics = Topics(self.setup.city)
        self.reporter, self.fleet, self.walkers, self.kpi = loops_room.Reporter(), Fleet(), Walkers(), Kpi()
        self.transit = Transit(Riders(self.setup.seed))
        self.budget = Budget(self.setup.max_messages_per_s, self.setup.speed)
        speeds = {edge: self.net.lane_mps[lanes[0]] for edge, lanes in self.net.edges.items()}
        self.incidents = Incidents(speeds)
        self.pending: list[tuple[float, Active]] = []
        self._signals_told: dict[str, int] = {}
        self.places, wide, middles = places.busy_edges(self.net)
        self.stations = stations_room.place_all(wide, middles, self.sumo.simulation.convertGeo, self.setup.seed)

    def step(self) -> list[Message]:
        """One simulated second; gives the messages of it in a fixed order."""
        out = [message for message in self._signals() if self.setup.live]
        while self.pending and self.pending[0][0] <= self.now:
            out += self._begin(self.pending.pop(0)[1])
        out += [m for ended in self.incidents.step(self.sumo, self.now) for m in self._incident(ended, "solved")]
        self.sumo.simulation.step()
        self.now += 1
        self.transit.step(self.sumo, self.now)
        out += self._tell()
        return out

    def tell_anew(self) -> None:
        """Nobody heard what was said so far: every signal, loop and station tells its state at its next turn."""
        self._signals_told.clear()
        self.reporter.sent.clear()
        self.stations.told.clear()

    def _signals(self) -> Iterator[Message]:
        for name, device in self.controllers.items():
            shown = device.mode, device.stage
            state = device.step(self.now)
            if state is not None:
                self.sumo.trafficlight.setRedYellowGreenState(name, state)
            due = self.now - self._signals_told.get(name, -SIGNAL_HEARTBEAT_S) >= SIGNAL_HEARTBEAT_S
            if state is not None or due or shown != (device.mode, device.stage):
                self._signals_told[name] = self.now
                body = signal_payload(self.setup.time.text(self.now), device.state, device.stage, device.mode)
                yield Message(self.topics.of("signal", name), body)

    def _tell(self) -> Iterator[Message]:
        out: list[Message] = []
        if self.now % KPI_EVERY_S == 0:
            name = "live" if self.setup.live else "fixed"
            body = (
                self.kpi.payload(self.setup.time.text(self.now), self.now, read_totals(self.sumo)) | self.transit.told()
            )
            out.append(Message(self.topics.of("kpi", name), body))
        if self.setup.live:
            out += self._loops()
            out += self._stations()
            out += [Message(self.topics.of("vehicle", token(v)), None) for v in self.fleet.arrive(self.sumo)]
            out += [Message(self.topics.of("pedestrian", token(p)), None) for p in self.walkers.arrive(self.sumo)]
            self.budget.refill()
            self.budget.spend(len(out))
            if not self.quiet:
                out += self._walkers()
                out += self._vehicles()
        yield from out

    def _loops(self) -> Iterator[Message]:
        if self.now % LOOP_PERIOD_S:
            return
        time = self.setup.time.text(self.now)
        for loop in self.loops:
            period = loops_room.read_period(self.sumo, loop.id)
            if self.reporter.worth(loop.id, period, self.now):
                yield Message(self.topics.of("loop", token(loop.id)), loop_payload(time, period))

    def _stations(self) -> Iterator[Message]:
        due = self.stations.due(self.now)
        if not due:
            return
        time = {"time": self.setup.time.text(self.now)}
        weather = weather_at(self.setup.seed, self.now, self.incidents.rain_mm_h())
        for kind in due:
            for station, body in self.stations.read(kind, self.sumo, weather, self.now):
                yield Message(self.topics.of(kind, station), time | body)

    def _vehicles(self) -> Iterator[Message]:
        time = self.setup.time.text(self.now)
        for vehicle in self.fleet.next(self.now, self.budget.spare()):
            body = vehicle_payload(self.sumo, vehicle, self.fleet.kind[vehicle], time, self.now)
            if body is not None:
                body |= self.transit.tell(self.sumo, vehicle) if vehicle in self.transit.mode else {}
                self.budget.position()
                yield Message(self.topics.of("vehicle", token(vehicle)), body, MAY)

    def _walkers(self) -> Iterator[Message]:
        time = self.setup.time.text(self.now)
        for person in self.walkers.next(self.now, self.budget.spare()):
            body = walker_payload(self.sumo, person, time)
            if body is not None:
                self.budget.position()
                yield Message(self.topics.of("pedestrian", token(person)), body, MAY)

    def command(self, kind: str, device: str, payload: Any) -> list[Message]:
        """A command to a `signal` or a `vehicle`; gives its receipt. What cannot be read is refused, never raised."""
        told = payload if isinstance(payload, Mapping) else {}
        name = str(told.get("commandId", ""))
        try:
            until = self.setup.time.seconds(str(told.get("until")))
            verdict = self._obey(kind, device, name, told, until)
        except ValueError:
            verdict = Verdict(name, False, "bad_until")
        answer = receipt_payload(name, verdict.done, verdict.reason)
        return [Message(self.topics.of(kind, token(device), "receipt"), answer)]

    def _obey(self, kind: str, device: str, name: str, told: Mapping[str, Any], until_s: float) -> Verdict:
        if self.setup.live and kind == "vehicle":
            return self.transit.hold(self.sumo, device, name, until_s, self.now)
        if self.setup.live and device in self.controllers:
            return self.controllers[device].command(name, told.get("stage"), until_s, self.now)
        return Verdict(name, False, "unknown_controller")

    def inject(self, payload: Any) -> list[Message]:
        """A command to the simulation. `at` (city time) lets field and shadow begin in the same second."""
        body = payload if isinstance(payload, Mapping) else {}
        name = str(body.get("commandId", ""))
        try:
            at = self.setup.time.seconds(str(body["at"])) if "at" in body else self.now
            at = max(at, self.now)
            made = read_injection(body, at, self.places, self.setup.seed)
        except Refused as no:
            return self._receipt(name, False, str(no))
        except ValueError:
            return self._receipt(name, False, "bad_time")
        self.pending.append((at, made))
        self.pending.sort(key=lambda item: item[0])
        return self._receipt(name, True)

    def _receipt(self, name: str, done: bool, reason: str = "") -> list[Message]:
        if not self.setup.live:
            return []
        return [Message(self.topics.of("simulation", "receipt"), receipt_payload(name, done, reason))]

    def _begin(self, made: Active) -> list[Message]:
        self.incidents.begin(self.sumo, made)
        return self._incident(made, "onGoing")

    def _incident(self, made: Active, status: str) -> list[Message]:
        if not self.setup.live or made.kind not in ("accident", "event"):
            return []
        wreck = f"accident-{made.id}"
        gone = [wreck] if status == "solved" and self.fleet.leave(wreck) else []
        lon, lat = self.sumo.simulation.convertGeo(*places.middle(self.net.lane_shape[f"{made.place}_0"]))
        what = "A vehicle blocks a lane" if made.kind == "accident" else f"{made.amount:.0f} trips to one place"
        body = {"time": self.setup.time.text(self.now), "kind": made.kind, "status": status}
        body |= {"lon": round(lon, 6), "lat": round(lat, 6), "description": what, "edge": made.place}
        removed = [Message(self.topics.of("vehicle", token(name)), None) for name in gone]
        return [Message(self.topics.of("incident", token(made.id)), body), *removed]


def token(name: str) -> str:
    """A topic level without MQTT's or NATS's special characters; ids of the import are so already."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name)
