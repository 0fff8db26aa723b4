"""Finds attacks in the stream of requests and readings, window by window, from what is usual for each one. Pure but for what it
remembers; own code, because a streaming library (river) brings scipy and pandas for a mean, a variance and a CUSUM.

Counts that nobody honest reaches (failed credentials, doors that are not there) have a limit for all; volumes and habits have one's own
past for a limit. What is unusual is not learned, so that an attack does not become the usual; who is released is learned anew.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from madang.base.limits import DEFENCE_PATHS_MAX, DEFENCE_SUBJECTS_MAX
from madang.trust.defence.access import Access, shape_of
from madang.trust.defence.habits import LEARNED_AFTER, Mix, Usual
from madang.trust.defence.verdict import Feature, Kind, Verdict

WINDOW_S = 20.0
FAILED_MAX, FAILED_SLOWLY_MAX, FAILED_EVERYWHERE_MAX = 12, 30, 60
FAILED_KEPT = 0.95  # of the failures of one window count in the next, and so on: some seven minutes
DENIED_PATHS_MAX = 15
SCORE_MAX, DRIFT_MAX = 6.0, 8.0
ENTITIES_MIN, BYTES_MIN = 2_000, 4_000_000
"""In a window: below these nothing is worth an alarm about volume. Who has no past yet may read `NEW_TIMES` as much in all: a city, to
begin with."""
NEW_TIMES = 10
MIX_MIN, MIX_MOST, DISTANCE_MAX, NEW_MAX = 40, 200, 0.45, 0.15
READINGS_MIN = 10
VALUE_SCORE_MAX, VALUE_TIMES = 8.0, 3.0
VALUE_BACK = 0.5  # what a usual value takes back: who speaks for a device seldom keeps the device itself from speaking
QUIET_WINDOWS = 30


@dataclass(slots=True)
class Window:
    """What one subject did since the window began."""

    requests: int = 0
    failed: int = 0
    denied: int = 0
    entities: int = 0
    size: int = 0
    paths: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Subject:
    """One principal or address, with its habits."""

    window: Window = field(default_factory=Window)
    mix: Counter[str] = field(default_factory=Counter)
    entities: Usual = field(default_factory=Usual)
    size: Usual = field(default_factory=Usual)
    requests: Usual = field(default_factory=Usual)
    habits: Mix = field(default_factory=Mix)
    values: dict[str, tuple[Usual, float]] = field(default_factory=dict)
    failed: float = 0.0
    quiet: dict[Kind, int] = field(default_factory=dict)


class Detector:
    """Fed in the order of time. Remembers `DEFENCE_SUBJECTS_MAX` subjects, those that were heard of last."""

    def __init__(self) -> None:
        self._subjects: OrderedDict[str, Subject] = OrderedDict()
        self._began_s: float | None = None
        self._failed, self._everywhere, self._quiet_everywhere = 0, Usual(), 0

    def __len__(self) -> int:
        return len(self._subjects)

    def see(self, access: Access) -> list[Verdict]:
        """Takes in one request; verdicts about the window that ended before it, if one did."""
        began_s = self._began_s
        out = self.tick(access.at_s) if began_s is None or access.at_s - began_s >= WINDOW_S else []
        # A stranger is known by the address, anybody else by name, whatever address they come from.
        self._count(self._subject(access.source if access.who == "anonymous" else access.who), access)
        return out

    def _count(self, one: Subject, access: Access) -> None:
        window = one.window
        window.requests += 1
        window.size += access.size
        window.entities += access.entities
        if access.status == 401:
            window.failed += 1
            self._failed += 1
        elif access.status in (403, 404):
            window.denied += 1
            if len(window.paths) < DEFENCE_PATHS_MAX:
                window.paths.add(access.path)
        if access.who.startswith("app:") and window.requests <= MIX_MOST:
            one.mix[shape_of(access.method, access.path, access.types)] += 1

    def read(self, at_s: float, device: str, values: dict[str, float]) -> list[Verdict]:
        """Takes in one report of a device: `values` by attribute."""
        out = self.tick(at_s)
        one = self._subject(device)
        one.window.requests += 1
        for name, value in values.items():
            out += self._value(at_s, device, one, name, value)
        return out

    def _value(self, at_s: float, device: str, one: Subject, name: str, value: float) -> Iterator[Verdict]:
        usual, times = one.values.get(name) or (Usual(floor=0.05, plain=True), 0.0)
        if abs(usual.score(value)) > VALUE_SCORE_MAX:
            times = min(times + 1, VALUE_TIMES)
        else:
            times = max(0.0, times - VALUE_BACK)
            usual.learn(value)
        if len(one.values) < 20 or name in one.values:
            one.values[name] = (usual, times)
        if times >= VALUE_TIMES:
            feature = Feature(f"{name}, again and again", value, VALUE_SCORE_MAX, round(usual.typical(), 3))
            yield from self._tell("device-habits", device, one, at_s, [feature])

    def forgive(self, name: str) -> None:
        """Whoever judged the verdict found nothing wrong: what they do is learned anew."""
        self._subjects.pop(name, None)

    def tick(self, now_s: float) -> list[Verdict]:
        """Ends the window when it is over."""
        if self._began_s is None:
            self._began_s = now_s
        if now_s - self._began_s < WINDOW_S:
            return []
        self._began_s = now_s - (now_s - self._began_s) % WINDOW_S
        out = [verdict for name, one in list(self._subjects.items()) for verdict in self._judge(name, one, now_s)]
        return out + list(self._judge_everywhere(now_s))

    def _judge(self, name: str, one: Subject, now_s: float) -> Iterator[Verdict]:
        for kind in [kind for kind, windows in one.quiet.items() if windows <= 1]:
            del one.quiet[kind]
        one.quiet = {kind: windows - 1 for kind, windows in one.quiet.items()}
        window, one.window = one.window, Window()
        if not window.requests:
            return
        one.failed = one.failed * FAILED_KEPT + window.failed
        failed = _over("failed credentials", window.failed, FAILED_MAX)
        failed += _over("failed credentials in some minutes", round(one.failed, 1), FAILED_SLOWLY_MAX)
        yield from self._tell("credential-stuffing", name, one, now_s, failed)
        paths = _over("places that are not there or not theirs", len(window.paths), DENIED_PATHS_MAX)
        yield from self._tell("scanning", name, one, now_s, paths if window.denied * 2 >= window.requests else [])
        yield from self._tell("exfiltration", name, one, now_s, _volume(one, window))
        if name.startswith("device:"):
            yield from self._tell("device-habits", name, one, now_s, _rate(one, window))
        if name.startswith("app:") and sum(one.mix.values()) >= MIX_MIN:
            yield from self._tell("app-habits", name, one, now_s, _mixed(one))
            one.mix = Counter()

    def _judge_everywhere(self, now_s: float) -> Iterator[Verdict]:
        """Many addresses with a few failures each."""
        failed, self._failed = self._failed, 0
        self._quiet_everywhere = max(0, self._quiet_everywhere - 1)
        if failed > FAILED_EVERYWHERE_MAX and self._everywhere.score(failed) > SCORE_MAX / 2:
            if not self._quiet_everywhere:
                feature = Feature(
                    "failed credentials", failed, FAILED_EVERYWHERE_MAX, round(self._everywhere.typical(), 1)
                )
                yield Verdict("credential-stuffing", "everywhere", now_s, (feature,))
            self._quiet_everywhere = QUIET_WINDOWS
        else:
            self._everywhere.learn(failed)

    def _tell(self, kind: Kind, name: str, one: Subject, at_s: float, features: list[Feature]) -> Iterator[Verdict]:
        """Once, until it has been quiet for `QUIET_WINDOWS`."""
        if not features:
            return
        if kind not in one.quiet:
            yield Verdict(kind, name, at_s, tuple(features))
        one.quiet[kind] = QUIET_WINDOWS

    def _subject(self, name: str) -> Subject:
        one = self._subjects.get(name)
        if one is None:
            one = self._subjects[name] = Subject()
            if len(self._subjects) > DEFENCE_SUBJECTS_MAX:
                self._subjects.popitem(last=False)
        else:
            self._subjects.move_to_end(name)
        return one


def _over(name: str, value: float, limit: float) -> list[Feature]:
    return [Feature(name, value, limit)] if value > limit else []


def _volume(one: Subject, window: Window) -> list[Feature]:
    told = (
        ("entities read", one.entities, window.entities, ENTITIES_MIN),
        ("bytes read", one.size, window.size, BYTES_MIN),
    )
    return [found for name, usual, value, least in told for found in _unusual(name, usual, value, least)]


def _rate(one: Subject, window: Window) -> list[Feature]:
    return _unusual("reports", one.requests, window.requests, READINGS_MIN)


def _unusual(name: str, usual: Usual, value: int, least: int) -> list[Feature]:
    """Far above the usual at once, or a little above it for long. What is, is not learned."""
    score, drift = usual.score(value), usual.add_up(min(value, 1e12))
    usual.total += value
    is_new = usual.seen < LEARNED_AFTER and usual.total >= NEW_TIMES * least
    if value >= least and (is_new or score > SCORE_MAX or drift > DRIFT_MAX):
        return [Feature(f"{name} in {WINDOW_S:g} s", value, least, round(usual.typical(), 1))]
    usual.learn(value)
    return []


def _mixed(one: Subject) -> list[Feature]:
    habits, most = one.habits, one.habits.standing_out(one.mix)
    found = _over(f"share of what it hardly ever asked, most {most}", round(habits.newness(one.mix), 3), NEW_MAX)
    found += _over(f"distance from its usual mix, most {most}", round(habits.distance(one.mix), 3), DISTANCE_MAX)
    if not found:
        habits.learn(one.mix)
    return found
