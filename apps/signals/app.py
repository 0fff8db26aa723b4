"""The edge of the signals app: hears loops, signals, weather and incidents, asks for stages. Decisions: `decide.py`."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from madang.sdk import App, because, intent, observed_at, value_of
from madang.sdk.city_time import epoch_s

from . import decide as rule
from . import estimate
from .layout import make_junctions
from .model import Junction, Memory, Reading, Shown

log = logging.getLogger("signals")

BEAT_S = 1.0
HOLD_S = 30.0
RENEW_S = 20.0
RESEND_S = 6.0
INCIDENT_REACH_M = 80.0
NEVER = frozenset({"conflicting_greens", "unknown_stage"})
TOO_EARLY = "minimum_green"


@dataclass
class Asked:
    """The stage last asked for, when (s), what was on show then, and whether the command room refused it."""

    stage: int
    at_s: float
    shown: Shown
    refused: bool = False


@dataclass
class City:
    """What the app has heard. Times are seconds of the city's time (epoch)."""

    junctions: list[Junction] = field(default_factory=list)
    memories: dict[str, Memory] = field(default_factory=dict)
    places: dict[str, tuple[float, float]] = field(default_factory=dict)
    fresh: dict[str, Reading] = field(default_factory=dict)
    loops: dict[str, dict[str, Any]] = field(default_factory=dict)
    latest: dict[str, Reading] = field(default_factory=dict)
    signals: dict[str, dict[str, Any]] = field(default_factory=dict)
    shown: dict[str, Shown] = field(default_factory=dict)
    how: rule.Settings = field(default_factory=rule.Settings)
    rain_mm_h: float = 0.0
    accidents: dict[str, tuple[float, float]] = field(default_factory=dict)
    asked: dict[str, Asked] = field(default_factory=dict)

    def learn(self, controllers: list[dict[str, Any]]) -> None:
        plain = [{key: value_of(value) for key, value in entity.items()} for entity in controllers]
        self.junctions = make_junctions(plain)
        self.memories = {junction.id: Memory() for junction in self.junctions}
        self.places = {c["id"]: tuple(c["location"]["coordinates"]) for c in plain if c.get("location")}

    def hear_loop(self, entity: Mapping[str, Any]) -> None:
        """Fold one period of a loop. Periods between two beats add up; an attribute not told is unchanged."""
        known = self.loops.setdefault(entity["id"], {})
        known.update({key: entity[key] for key in ("intensity", "occupancy") if key in entity})
        count, covered = known.get("intensity"), known.get("occupancy")
        when = max(filter(None, (observed_at(count), observed_at(covered))), default=None)
        if when is None:
            return
        name = str(entity["id"]).rpartition(":")[2]
        before, at = self.fresh.get(name), epoch_s(when)
        if name in self.latest and self.latest[name].at_s >= at:
            return
        told = Reading(float(value_of(count) or 0), float(value_of(covered) or 0), at)
        self.latest[name] = told
        self.fresh[name] = replace(told, count=told.count + before.count) if before else told

    def hear_signal(self, entity: Mapping[str, Any]) -> None:
        known = self.signals.setdefault(entity["id"], {})
        known.update({key: entity[key] for key in ("signalState", "stage") if key in entity})
        state, when = value_of(known.get("signalState")), observed_at(known.get("signalState"))
        if not isinstance(state, str) or when is None:
            return
        stage, before = value_of(known.get("stage")), self.shown.get(entity["id"])
        number = stage if isinstance(stage, int) and stage >= 0 else None
        same = before is not None and before.stage == number and before.state == state
        self.shown[entity["id"]] = before if before and same else Shown(number, state, epoch_s(when))

    def around(self, junction: str) -> rule.Surroundings:
        """Rain, and every approach of a junction beside an accident (which one is not told)."""
        at = self.places.get(junction)
        near = at is not None and any(_metres(at, spot) < INCIDENT_REACH_M for spot in self.accidents.values())
        return rule.Surroundings(self.rain_mm_h, near)

    def wishes(self, now_s: float) -> list[tuple[str, int]]:
        """(controller, stage) to ask for now: a change at once, the same again before it expires."""
        fresh, self.fresh = estimate.silences(self.latest) | self.fresh, {}
        for junction in self.junctions:
            if junction.id in self.shown:
                estimate.update(junction, self.memories[junction.id], fresh, self.shown[junction.id], now_s)
        rule.notice_jams(self.junctions, self.memories, self.shown, now_s, self.how)
        found = []
        for junction in self.junctions:
            shown = self.shown.get(junction.id)
            if shown is None:
                continue
            estimate.foresee(junction, self.memories)
            memory = self.memories[junction.id]
            stage = rule.decide(junction, memory, shown, now_s, self.around(junction.id), self.how)
            if stage is not None and stage not in memory.barred and self._worth(junction.id, stage, shown, now_s):
                self.asked[junction.id] = Asked(stage, now_s, shown)
                found.append((junction.id, stage))
        return found

    def hear_refusal(self, receipt: Mapping[str, Any]) -> None:
        """The command room refused what was asked last: ask again soon, or never when it is the stage itself."""
        name, reason = str(receipt.get("target")), receipt.get("reason")
        if name not in self.asked:
            return
        before = self.asked[name]
        before.refused = True
        if reason == TOO_EARLY:
            # Two clocks a tenth of a second apart: right at the next beat.
            before.at_s -= RESEND_S
        if reason in NEVER:
            self.memories[name].barred.add(before.stage)

    def _worth(self, junction: str, stage: int, shown: Shown, now_s: float) -> bool:
        before = self.asked.get(junction)
        if before is None:
            return True
        since_s = now_s - before.at_s
        if before.refused or before.stage not in (shown.stage, stage):
            # A change that was asked for may be on its way: another wish now would meet a junction in transition.
            return shown != before.shown or since_s >= RESEND_S
        if before.stage != stage:
            return True
        # A change that was asked for and does not come (refused, lost) is asked for again sooner than a stay.
        return since_s >= (RENEW_S if stage == shown.stage else RESEND_S)


def _metres(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return math.hypot((a[0] - b[0]) * 111_320 * math.cos(math.radians(a[1])), (a[1] - b[1]) * 110_540)


def make_intent(controller: str, stage: int) -> dict[str, Any]:
    """What to ask the command room for."""
    if stage == rule.RELEASE:
        return intent("signal.release", controller, {}, because("streets_full"))
    return intent("signal.stage", controller, {"stage": stage}, because("most_served"), expires_s=HOLD_S)


def make_app(app: App, city: City) -> App:
    """Wire a city's beliefs to the app's door."""

    @app.on_start
    async def start() -> None:
        city.learn(await app.query("TrafficSignalController"))
        log.info("steering %s junctions", len(city.junctions))

    @app.on("TrafficFlowObserved", attrs=("intensity", "occupancy"))
    async def loop(entity: dict[str, Any], gone: bool) -> None:
        if not gone:
            city.hear_loop(entity)

    @app.on("TrafficSignalController", attrs=("signalState", "stage", "mode"))
    async def signal(entity: dict[str, Any], gone: bool) -> None:
        if not gone:
            city.hear_signal(entity)

    @app.on("WeatherObserved", attrs=("precipitation",))
    async def weather(entity: dict[str, Any], gone: bool) -> None:
        if not gone and "precipitation" in entity:
            city.rain_mm_h = float(value_of(entity["precipitation"]) or 0)

    @app.on("RoadAccident")
    async def accident(entity: dict[str, Any], gone: bool) -> None:
        if gone or value_of(entity.get("status")) == "solved":
            city.accidents.pop(entity["id"], None)
        elif isinstance(place := value_of(entity.get("location")), Mapping):
            city.accidents[entity["id"]] = tuple(place["coordinates"])

    @app.every(BEAT_S)
    async def beat() -> None:
        wishes = city.wishes(app.time.now().timestamp())
        intents = [make_intent(name, stage) for name, stage in wishes]
        for receipt in await app.commands(intents):
            if receipt.get("status") == "refused":
                city.hear_refusal(receipt)
                log.debug("%s refused: %s", receipt.get("target"), receipt.get("reason"))

    @app.on_stop
    async def release() -> None:
        names = list(city.asked)
        await app.commands([intent("signal.release", name, {}, because("app_stops")) for name in names])

    return app


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(name)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    make_app(App(), City()).run()


if __name__ == "__main__":
    main()
