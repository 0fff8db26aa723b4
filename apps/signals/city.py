"""What the app has heard of a city, and the stages that it would ask for now. Times are seconds of the city's time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from madang.sdk import observed_at, value_of
from madang.sdk.city_time import epoch_s

from . import estimate
from .decide import choose
from .expect import expect
from .join import join, stage_of, stages_now
from .ladder import ACTUATED, FIXED, actuate, level_of, live_loops
from .layout import make_junctions
from .model import Junction, Memory, Reading, Shown
from .plant import Flags, Floats, Plant, Whole, make_plant
from .rollout import Model

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
    """What the app has heard (times: epoch). `shown` and `asked` are by controller, `memories` by junction, of which one may
    be several controllers (`join`)."""

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
    barred: set[tuple[str, int]] = field(default_factory=set)
    levels: dict[str, str] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    began_s: float | None = None

    def learn(self, controllers: list[dict[str, Any]]) -> None:
        plain = [{key: value_of(value) for key, value in entity.items()} for entity in controllers]
        self.steer(make_junctions(plain))

    def steer(self, junctions: list[Junction]) -> None:
        """The controllers to look after from now on."""
        self.junctions = join(junctions)
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
        whole = {junction.id: stage_of(junction, self.shown) for junction in self.junctions}
        for junction in self.junctions:
            shown = whole[junction.id]
            if shown is not None:
                estimate.update(junction, self.memories[junction.id], fresh, shown, now_s)
        found = [pair for pair in self._wanted(whole, now_s) if pair not in self.barred]
        worth = [(name, stage) for name, stage in found if self._worth(name, stage, self.shown[name], now_s)]
        self.asked |= {name: Asked(stage, now_s, self.shown[name]) for name, stage in worth}
        return worth

    def _wanted(self, whole: Mapping[str, Shown | None], now_s: float) -> Iterator[tuple[str, int]]:
        """(controller, stage) of every junction that is not in transition.

        Within the minimum green it is the stage on show: a program that gives every stage its minimum would otherwise end
        each before the app could ask to keep it, and a junction that fell back would never be taken over again.
        """
        if self.plant is None:
            return
        stage = np.array([_stage_of(junction, whole[junction.id]) for junction in self.junctions])
        may = self._may(now_s)
        rows = np.flatnonzero((stage >= 0) & (may.sum(1) > 1))
        stage[rows] = self._chosen(rows, stage[rows], whole, may, now_s) if len(rows) else stage[rows]
        self._step_down(stage, rows, whole, may, now_s)
        for row in np.flatnonzero(stage >= 0):
            junction = self.junctions[row]
            for part, number in zip(junction.members, junction.stages_of(int(stage[row])), strict=True):
                yield part.id, number

    def _chosen(self, rows: Whole, stage: Whole, whole: Mapping[str, Shown | None], may: Flags, now_s: float) -> Whole:
        assert self.plant is not None
        ripe = [self.junctions[row] for row in rows]
        traffic = expect(self.plant, self.junctions, self.memories, now_s, self.rain_mm_h > RAIN_MM_H)
        since_s = [shown.since_s for shown in (whole[one.id] for one in ripe) if shown is not None]
        overdue_s = self._overdue(ripe, now_s)
        some = self.plant.only(rows)
        found = choose(some, traffic.only(rows), stage, now_s - np.array(since_s), overdue_s, self.model, may[rows])
        return found.stage

    def _step_down(
        self, stage: Whole, rows: Whole, whole: Mapping[str, Shown | None], may: Flags, now_s: float
    ) -> None:
        """Junctions whose loops die go by gaps alone, then by nothing: who is not asked falls back to its fixed program."""
        self.began_s = now_s if self.began_s is None else self.began_s
        for row, junction in enumerate(self.junctions):
            live = live_loops(junction, self.latest, now_s, self.began_s)
            level, shown = level_of(junction, live), whole[junction.id]
            self.levels |= dict.fromkeys((part.id for part in junction.members), level)
            if level == FIXED:
                stage[row] = -1
            elif level == ACTUATED and row in rows and shown is not None:
                allowed = set(np.flatnonzero(may[row] & self._valid(row)).tolist())
                stage[row] = actuate(junction, self.memories[junction.id], live, shown, allowed, now_s)

    def _valid(self, row: int) -> Flags:
        assert self.plant is not None
        return np.asarray(self.plant.valid[row])

    def _may(self, now_s: float) -> Flags:
        """[J,S] the stages that the minimum greens allow now and the command room has not refused for what they are."""
        assert self.plant is not None
        may = np.zeros(self.plant.valid.shape, dtype=bool)
        for row, junction in enumerate(self.junctions):
            now = stages_now(junction, self.shown, now_s)
            may[row, : len(now)] = [on and not self._is_barred(junction, stage) for stage, on in enumerate(now)]
        return may

    def _is_barred(self, junction: Junction, stage: int) -> bool:
        """Whether a controller would have to show what was refused; one that shows it already need not be asked."""
        pairs = zip(junction.members, junction.stages_of(stage), strict=True)
        return any((part.id, number) in self.barred and self.shown[part.id].stage != number for part, number in pairs)

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

    def new_levels(self) -> dict[str, str]:
        """The level of control (`ladder.LEVELS`) of every controller whose level nobody was told yet."""
        new = {name: level for name, level in self.levels.items() if self.told.get(name) != level}
        self.told |= new
        return new

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
            self.barred.add((name, before.stage))

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


def _stage_of(junction: Junction, shown: Shown | None) -> int:
    """The number of the stage on show, -1 where there is none."""
    known = shown is not None and shown.stage is not None and shown.stage < len(junction.stages)
    return shown.stage if known and shown is not None and shown.stage is not None else -1
