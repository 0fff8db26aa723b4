"""The edge of the signals app: hears loops, signals, weather and incidents, asks for stages. Decisions: `decide.py`."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from madang.sdk import App, because, intent, observed_at, value_of
from madang.sdk.city_time import epoch_s

from . import estimate
from .decide import choose
from .expect import expect
from .layout import make_junctions
from .model import Junction, Memory, Reading, Shown
from .plant import Floats, Plant, make_plant
from .rollout import Model

log = logging.getLogger("signals")

BEAT_S = 1.0
HOLD_S = 30.0
RENEW_S = 20.0
RESEND_S = 6.0
RED_FACTOR = 1.5
RAIN_MM_H = 0.5
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
    plant: Plant | None = None
    memories: dict[str, Memory] = field(default_factory=dict)
    fresh: dict[str, Reading] = field(default_factory=dict)
    loops: dict[str, dict[str, Any]] = field(default_factory=dict)
    latest: dict[str, Reading] = field(default_factory=dict)
    signals: dict[str, dict[str, Any]] = field(default_factory=dict)
    shown: dict[str, Shown] = field(default_factory=dict)
    model: Model = field(default_factory=Model)
    rain_mm_h: float = 0.0
    asked: dict[str, Asked] = field(default_factory=dict)

    def learn(self, controllers: list[dict[str, Any]]) -> None:
        plain = [{key: value_of(value) for key, value in entity.items()} for entity in controllers]
        self.steer(make_junctions(plain))

    def steer(self, junctions: list[Junction]) -> None:
        """The junctions to look after from now on."""
        self.junctions = junctions
        self.memories = {junction.id: Memory() for junction in self.junctions}
        self.plant = make_plant(self.junctions) if self.junctions else None

    def hear_loop(self, entity: Mapping[str, Any]) -> None:
        """Fold one period of a loop. Periods between two beats add up; an attribute not told is unchanged."""
        known = self.loops.setdefault(entity["id"], {})
        known.update({key: entity[key] for key in ("intensity", "occupancy") if key in entity})
        count, covered = known.get("intensity"), known.get("occupancy")
        when = max(filter(None, (observed_at(count), observed_at(covered))), default=None)
        if when is None:
            return
        told = Reading(float(value_of(count) or 0), float(value_of(covered) or 0), epoch_s(when))
        self.read(str(entity["id"]).rpartition(":")[2], told)

    def read(self, name: str, told: Reading) -> None:
        """Take a loop's period, unless a later one was heard before."""
        before = self.fresh.get(name)
        if name in self.latest and self.latest[name].at_s >= told.at_s:
            return
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

    def wishes(self, now_s: float) -> list[tuple[str, int]]:
        """(controller, stage) to ask for now: a change at once, the same again before it expires."""
        fresh, self.fresh = estimate.silences(self.latest) | self.fresh, {}
        for junction in self.junctions:
            if junction.id in self.shown:
                estimate.update(junction, self.memories[junction.id], fresh, self.shown[junction.id], now_s)
        found = [*self._held(now_s), *self._chosen(now_s)]
        found = [(name, stage) for name, stage in found if stage not in self.memories[name].barred]
        worth = [(name, stage) for name, stage in found if self._worth(name, stage, self.shown[name], now_s)]
        self.asked |= {name: Asked(stage, now_s, self.shown[name]) for name, stage in worth}
        return worth

    def _held(self, now_s: float) -> Iterator[tuple[str, int]]:
        """Within the minimum green it is the stage on show: a program that gives every stage its minimum would otherwise end
        each before the app could ask to keep it, and a junction that fell back would never be taken over again."""
        for junction in self.junctions:
            stage = self._stage_of(junction)
            if stage is not None and not self._is_ripe(junction, now_s):
                yield junction.id, stage

    def _chosen(self, now_s: float) -> Iterator[tuple[str, int]]:
        rows = np.array([row for row, one in enumerate(self.junctions) if self._is_ripe(one, now_s)], dtype=int)
        if self.plant is None or not len(rows):
            return
        ripe = [self.junctions[row] for row in rows]
        traffic = expect(self.plant, self.junctions, self.memories, now_s, self.rain_mm_h > RAIN_MM_H)
        stage = np.array([self.shown[one.id].stage for one in ripe])
        green_s = np.array([now_s - self.shown[one.id].since_s for one in ripe])
        plant = self._without_barred(self.plant.only(rows), ripe)
        chosen = choose(plant, traffic.only(rows), stage, green_s, self._overdue(ripe, now_s), self.model)
        yield from ((one.id, int(wanted)) for one, wanted in zip(ripe, chosen.stage, strict=True))

    def _stage_of(self, junction: Junction) -> int | None:
        shown = self.shown.get(junction.id)
        known = shown is not None and shown.stage is not None and shown.stage < len(junction.stages)
        return shown.stage if shown is not None and known else None

    def _is_ripe(self, junction: Junction, now_s: float) -> bool:
        """Whether the stage on show has had its minimum green."""
        stage = self._stage_of(junction)
        return stage is not None and now_s - self.shown[junction.id].since_s >= junction.min_green_s[stage]

    def _without_barred(self, plant: Plant, junctions: list[Junction]) -> Plant:
        valid = plant.valid.copy()
        for row, junction in enumerate(junctions):
            barred = self.memories[junction.id].barred - {self.shown[junction.id].stage}
            valid[row, list(barred)] = False
        return replace(plant, valid=valid)

    def _overdue(self, junctions: list[Junction], now_s: float) -> Floats:
        """By how much a link's red exceeds its bound (s): `max_red_s` where somebody is believed to wait, RED_FACTOR times that
        elsewhere, since the command room counts every link and refuses all other stages at twice."""
        assert self.plant is not None
        over = np.zeros((len(junctions), self.plant.protected.shape[2]))
        for row, junction in enumerate(junctions):
            memory = self.memories[junction.id]
            for lane in junction.lanes:
                waits = memory.lanes[lane.id].queue >= 0.5
                bound_s = junction.max_red_s * (1.0 if waits else RED_FACTOR)
                for link in lane.links:
                    over[row, link] = max(0.0, now_s - memory.red_since_s[link] - bound_s)
        return over

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


def make_intent(controller: str, stage: int) -> dict[str, Any]:
    """What to ask the command room for."""
    return intent("signal.stage", controller, {"stage": stage}, because("least_delay"), expires_s=HOLD_S)


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
