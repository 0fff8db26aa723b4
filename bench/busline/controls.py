"""The controls that are compared. Each sees what a dispatcher sees: when buses came and left, and who is aboard."""

from __future__ import annotations

from collections.abc import Callable

from bench.busline.drive import Control, Moment
from bench.busline.line import Bus, Setting
from bench.busline.timetable import even_arrival_s, even_dwell_s
from buses.decide import Rules, Standing, hold_s
from buses.profile import Profile, Seen


def none(setting: Setting) -> Control:
    """Everybody goes when the doors can close."""
    return lambda moment: 0.0


def _growth(setting: Setting, stop: int) -> float:
    """Seconds of boarding that a second of headway brings: beta of both papers."""
    return setting.rate_per_s(stop) * setting.board_s


def forward_headway(alpha: float = 0.4, slack_s: float = 8.0) -> Callable[[Setting], Control]:
    """Daganzo (2009), A headway-based approach to eliminate bus bunching: slack, more for who follows too close."""

    def made(setting: Setting) -> Control:
        def control(moment: Moment) -> float:
            if not moment.index or not moment.stop:
                return 0.0
            before = moment.buses[moment.index - 1]
            headway_s = moment.bus.arrived_s[moment.stop] - before.arrived_s[moment.stop]
            return slack_s + (alpha + _growth(setting, moment.stop)) * (setting.headway_s - headway_s)

        return control

    return made


def simple(f0: float = 0.3, slack_s: float = 12.0) -> Callable[[Setting], Control]:
    """Xuan, Argote and Daganzo (2011), Dynamic bus holding strategies for schedule reliability: the simple control, which leaves
    the share `f0` of a bus's own deviation from a timetable with slack."""

    def made(setting: Setting) -> Control:
        def late_s(bus: Bus, stop: int) -> float:
            slack = slack_s * max(0, stop - 1)
            return bus.arrived_s[stop] - bus.number * setting.headway_s - even_arrival_s(setting)[stop] - slack

        def control(moment: Moment) -> float:
            if not moment.index or not moment.stop:
                return 0.0
            own, before = late_s(moment.bus, moment.stop), late_s(moment.buses[moment.index - 1], moment.stop)
            growth = _growth(setting, moment.stop)
            return slack_s - (1 + growth - f0) * own + growth * before

        return control

    return made


def two_way(share: float = 0.3) -> Callable[[Setting], Control]:
    """Cats, Larijani, Koutsopoulos and Burghout (2011): towards the middle between who is ahead and who is behind."""

    def made(setting: Setting) -> Control:
        def control(moment: Moment) -> float:
            ahead_s, behind_s = headways_s(moment, _profile(setting), setting.headway_s)
            return share * (behind_s - ahead_s) if ahead_s is not None and behind_s is not None else 0.0

        return control

    return made


def ours(rules: Rules = Rules()) -> Callable[[Setting], Control]:  # noqa: B008 - frozen
    """`apps/buses`."""

    def made(setting: Setting) -> Control:
        def control(moment: Moment) -> float:
            done, riders = moment.stop / setting.stops, len(moment.bus.aboard)
            around = headways_s(moment, _profile(setting), setting.headway_s)
            return hold_s(Standing(*around, setting.headway_s, done, riders), rules)

        return control

    return made


def _profile(setting: Setting) -> Profile:
    return Profile([setting.run_s] * setting.stops, list(even_dwell_s(setting)))


def headways_s(moment: Moment, profile: Profile, headway_s: float) -> tuple[float | None, float | None]:
    """To who left this stop before, and to when the next would leave it. Who has not started yet is believed to start in time."""
    behind = moment.buses[moment.index + 1] if moment.index + 1 < len(moment.buses) else None
    ahead_s = moment.now_s - moment.buses[moment.index - 1].left_s[moment.stop] if moment.index else None
    if behind is None:
        return ahead_s, None
    start_s = behind.number * headway_s
    return ahead_s, profile.leaves_s(_seen(behind, start_s), moment.stop, moment.now_s) - moment.now_s


def _seen(bus: Bus, start_s: float) -> Seen:
    if not bus.arrived_s:
        return Seen(0, start_s, has_left=False)
    stop = len(bus.arrived_s) - 1
    if len(bus.left_s) > stop:
        return Seen(stop, bus.left_s[stop], has_left=True)
    return Seen(stop, bus.arrived_s[stop], has_left=False)


CONTROLS = {
    "none": none,
    "forward_headway": forward_headway(),
    "simple": simple(),
    "two_way": two_way(),
    "ours": ours(),
}
