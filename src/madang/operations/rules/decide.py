"""Whether a rule's condition holds for one entity, and when it becomes an alarm. Pure: a fold over what was heard, the hour given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shapely.geometry import Point

from madang.base.limits import RULE_SAMPLES_MAX
from madang.model.geometry import distance_m
from madang.operations.incidents.incident import Place
from madang.operations.rules.rule import (
    Absence,
    Combination,
    Condition,
    Forecast,
    Geofence,
    Rate,
    Rule,
    Side,
    Threshold,
    attributes_of,
    parts_of,
    window_of,
)

Values = tuple[tuple[datetime, float], ...]


@dataclass(frozen=True)
class Heard:
    """What was told of an entity at once; `gone`: that it is no more."""

    at: datetime
    values: Mapping[str, float] = field(default_factory=dict)
    place: Place | None = None
    gone: bool = False


@dataclass(frozen=True)
class Track:
    """What is remembered of one entity. `since`: since when the condition holds; `alarm`: since when it is an alarm."""

    heard_at: datetime | None = None
    place: Place | None = None
    series: Mapping[str, Values] = field(default_factory=dict)
    since: datetime | None = None
    alarm: datetime | None = None


@dataclass(frozen=True)
class Event:
    """`began`: an alarm begins, else it ends."""

    at: datetime
    began: bool


@dataclass(frozen=True)
class Alarm:
    """`ended_at` None: it goes on."""

    entity: str
    began_at: datetime
    ended_at: datetime | None


def hear(rule: Rule, track: Track, heard: Heard) -> tuple[Track, list[Event]]:
    """The entity after it was heard of, with what happened until then and by it."""
    track, events = until(rule, track, heard.at)
    if heard.gone:
        ends = [Event(heard.at, False)] if track.alarm is not None else []
        return Track(), events + ends
    series = dict(track.series)
    for name in attributes_of(rule) & heard.values.keys():
        series[name] = _kept((*series.get(name, ()), (heard.at, heard.values[name])), heard.at, window_of(rule))
    told = replace(track, heard_at=heard.at, place=heard.place or track.place, series=series)
    track, further = judge(rule, told, heard.at)
    return track, events + further


def until(rule: Rule, track: Track, now: datetime) -> tuple[Track, list[Event]]:
    """What the passing of time alone does."""
    events: list[Event] = []
    for at in sorted(moment for moment in _wakes(rule, track) if moment <= now):
        track, some = judge(rule, track, at)
        events += some
    track, some = judge(rule, track, now)
    return track, events + some


def judge(rule: Rule, track: Track, now: datetime) -> tuple[Track, list[Event]]:
    """An alarm begins once the condition has held for so long, and ends as soon as it does not."""
    if not holds(rule.condition, track, now):
        ends = [Event(now, False)] if track.alarm is not None else []
        return replace(track, since=None, alarm=None), ends
    since = track.since or now
    begins = track.alarm is None and now - since >= timedelta(seconds=rule.for_s)
    return replace(track, since=since, alarm=now if begins else track.alarm), [Event(now, True)] if begins else []


def holds(condition: Condition, track: Track, now: datetime) -> bool:
    """Of what was never heard nothing holds; what is an alarm stays one until its value is heard again."""
    if isinstance(condition, Threshold | Rate | Forecast) and condition.attribute not in track.series:
        return track.alarm is not None
    match condition:
        case Combination():
            found = [holds(one, track, now) for one in condition.parts]
            return all(found) if condition.joined == "all" else any(found)
        case Absence():
            return track.heard_at is not None and now - track.heard_at >= timedelta(seconds=condition.after_s)
        case Geofence():
            return _is_there(condition, track.place)
        case Threshold():
            return _passes(condition, track)
        case Rate():
            return _changes(condition, track, now)
        case Forecast():
            return _will_pass(condition, track, now)


def _passes(one: Threshold, track: Track) -> bool:
    values = track.series.get(one.attribute, ())
    limit = one.clear if track.alarm is not None and one.clear is not None else one.limit
    return bool(values) and _beyond(values[-1][1], one.side, limit)


def _changes(one: Rate, track: Track, now: datetime) -> bool:
    values = _within(track.series.get(one.attribute, ()), now, one.over_s)
    if len(values) < 2:
        return False
    others = [value for _, value in values[:-1]]
    return values[-1][1] - min(others) >= one.by if one.side == "above" else max(others) - values[-1][1] >= one.by


def _will_pass(one: Forecast, track: Track, now: datetime) -> bool:
    values = _within(track.series.get(one.attribute, ()), now, one.window_s)
    line = _line(values)
    return line is not None and _beyond(
        line[0] + line[1] * ((now - values[0][0]).total_seconds() + one.horizon_s), one.side, one.limit
    )


def _line(values: Values) -> tuple[float, float] | None:
    """Height at the first value, and slope a second, of the line of least squares; None of fewer than three values, or of one moment."""
    if len(values) < 3:
        return None
    times = [(at - values[0][0]).total_seconds() for at, _ in values]
    middle, mean = sum(times) / len(times), sum(value for _, value in values) / len(values)
    spread = sum((time - middle) ** 2 for time in times)
    if spread == 0:
        return None
    slope = sum((time - middle) * (value - mean) for time, (_, value) in zip(times, values, strict=True)) / spread
    return mean - slope * middle, slope


def _is_there(one: Geofence, place: Place | None) -> bool:
    if place is None:
        return False
    far = distance_m(Point(one.longitude, one.latitude), Point(place))
    return (far <= one.radius_m) == (one.side == "inside")


def _beyond(value: float, side: Side, limit: float) -> bool:
    return value > limit if side == "above" else value < limit


def _within(values: Values, now: datetime, span_s: float) -> Values:
    return tuple(one for one in values if now - one[0] <= timedelta(seconds=span_s))


def _kept(values: Values, now: datetime, span_s: float) -> Values:
    """What conditions may look at, the latest in any case."""
    return (_within(values, now, span_s) or values[-1:])[-RULE_SAMPLES_MAX:]


def _wakes(rule: Rule, track: Track) -> Iterable[datetime]:
    """When something may begin though nothing is heard."""
    if track.heard_at is not None:
        for one in parts_of(rule):
            if isinstance(one, Absence):
                absent = track.heard_at + timedelta(seconds=one.after_s)
                yield from (absent, absent + timedelta(seconds=rule.for_s))
    if track.since is not None:
        yield track.since + timedelta(seconds=rule.for_s)


def play(rule: Rule, past: Mapping[str, Iterable[Heard]], now: datetime) -> list[Alarm]:
    """The alarms that it would have raised, by when they began. `past`: what was heard of each entity, in order."""
    found: list[Alarm] = []
    for entity, told in past.items():
        track, events = Track(), list[Event]()
        for heard in told:
            track, some = hear(rule, track, heard)
            events += some
        events += until(rule, track, now)[1]
        found += _paired(entity, events)
    return sorted(found, key=lambda one: (one.began_at, one.entity))


def _paired(entity: str, events: list[Event]) -> list[Alarm]:
    begins = [one.at for one in events if one.began]
    ends: list[datetime | None] = [one.at for one in events if not one.began]
    return [Alarm(entity, *pair) for pair in zip(begins, [*ends, None], strict=False)]
