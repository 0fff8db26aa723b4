"""Signals a few metres apart are steered as one: what one lets onto the street between them the other lets off it. Pure.

A street that holds fewer than a handful of vehicles is no place to wait: who is caught on it stands in the junction behind
and locks it. So the stages of both are chosen together, and of their pairs only those are used in which a short street
that is fed is also drained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, permutations, product
from math import prod

from .model import Junction, Lane, Part, Shown

SHORT_M = 30.0
STAGES_MAX = 64
GREEN = frozenset("Gg")


@dataclass(frozen=True)
class Street:
    """A short street within a joint junction: the links that lead onto it and those that lead off it."""

    fed_by: frozenset[int]
    drained_by: frozenset[int]

    def is_fed(self, state: str) -> bool:
        return any(state[link] in GREEN for link in self.fed_by)

    def is_drained(self, state: str) -> bool:
        return all(state[link] in GREEN for link in self.drained_by)


def join(junctions: Sequence[Junction]) -> list[Junction]:
    """The same junctions, those that short streets connect as one each, without stages that fill such a street."""
    by_id = {one.id: one for one in junctions}
    made = [one for group in _groups(junctions) for one in _one_or_all([by_id[name] for name in group])]
    owner = {part.id: one.id for one in made for part in one.members}
    return [replace(one, lanes=tuple(_renamed(lane, owner) for lane in one.lanes)) for one in made]


def stage_of(junction: Junction, shown: Mapping[str, Shown]) -> Shown | None:
    """What a junction shows, from what its controllers show: None where one is unknown, stage None where one is in
    transition; since the last change of any."""
    told = [shown.get(part.id) for part in junction.members]
    known = [one for one in told if one is not None]
    if len(known) < len(told):
        return None
    numbers = {junction.stages_of(number): number for number in range(len(junction.stages))}
    number = numbers.get(tuple(-1 if one.stage is None else one.stage for one in known))
    return Shown(number, "".join(one.state for one in known), max(one.since_s for one in known))


def stages_now(junction: Junction, shown: Mapping[str, Shown], now_s: float) -> list[bool]:
    """The stages that may be shown now: those that keep the stage of every part whose minimum green is not over."""
    whole = stage_of(junction, shown)
    if whole is None or whole.stage is None:
        return [False] * len(junction.stages)
    keeps = [now_s - shown[part.id].since_s < junction.min_green_s[whole.stage] for part in junction.members]
    present = junction.stages_of(whole.stage)
    return [
        all(a == b for a, b, keep in zip(junction.stages_of(stage), present, keeps, strict=True) if keep)
        for stage in range(len(junction.stages))
    ]


def _groups(junctions: Sequence[Junction]) -> list[list[str]]:
    """Names of junctions that short streets connect, in their order."""
    group = {one.id: [one.id] for one in junctions}
    for a, b in _short(junctions):
        if group[a] is not group[b]:
            group[a] += group[b]
            group.update(dict.fromkeys(group[b], group[a]))
    return [group[one.id] for one in junctions if group[one.id][0] == one.id]


def _short(junctions: Sequence[Junction]) -> Iterator[tuple[str, str]]:
    length_m = {(one.id, lane.id): lane.length_m for one in junctions for lane in one.lanes}
    for one in junctions:
        for lane in one.lanes:
            for _, other, out in lane.outs:
                if other != one.id and length_m.get((other, out), SHORT_M) < SHORT_M:
                    yield one.id, other


def _one_or_all(group: Sequence[Junction]) -> Sequence[Junction]:
    """The joint junction, or each by itself where it would have too many stages or none that is fit for some link."""
    if len(group) > 1 and prod(len(one.stages) for one in group) <= STAGES_MAX:
        joint = _joint(group)
        if _is_whole(joint):
            return [joint]
    alone = [replace(one, unfit=_unfit(one.stages, list(_streets([one], [0])), one.yields)) for one in group]
    return [a if _is_whole(a) else one for a, one in zip(alone, group, strict=True)]


def _is_whole(one: Junction) -> bool:
    """Whether every link that some stage opens is opened by one that is fit."""
    return _served([state for number, state in enumerate(one.stages) if number not in one.unfit]) == _served(one.stages)


def _unfit(stages: Sequence[str], streets: Sequence[Street], yields: frozenset[tuple[int, int]]) -> frozenset[int]:
    return frozenset(number for number, state in enumerate(stages) if is_trap(state, streets, yields))


def _served(states: Sequence[str]) -> set[int]:
    return {link for state in states for link, letter in enumerate(state) if letter in GREEN}


def _joint(group: Sequence[Junction]) -> Junction:
    pairs = tuple(product(*(range(len(one.stages)) for one in group)))
    stages = tuple("".join(one.stages[n] for one, n in zip(group, pair, strict=True)) for pair in pairs)
    first = _first_links(group)
    yields = frozenset((at + a, at + b) for one, at in zip(group, first, strict=True) for a, b in one.yields)
    return Junction(
        id="+".join(one.id for one in group),
        stages=stages,
        lanes=tuple(_moved(lane, at) for one, at in zip(group, first, strict=True) for lane in one.lanes),
        min_green_s=tuple(max(one.min_green_s[n] for one, n in zip(group, pair, strict=True)) for pair in pairs),
        yellow_s=max(one.yellow_s for one in group),
        all_red_s=max(one.all_red_s for one in group),
        max_red_s=min(one.max_red_s for one in group),
        walks=frozenset(at + link for one, at in zip(group, first, strict=True) for link in one.walks),
        yields=yields,
        parts=tuple(Part(one.id, at, len(one.stages[0])) for one, at in zip(group, first, strict=True)),
        pairs=pairs,
        unfit=_unfit(stages, list(_streets(group, first)), yields),
    )


def is_trap(state: str, streets: Sequence[Street], yields: frozenset[tuple[int, int]]) -> bool:
    """Whether a short street is fed and not drained, or two of them can fill each other: each is left by a link that gives
    way to one that feeds the other."""
    fed = [street for street in streets if street.is_fed(state)]
    waits = {(a, b) for a, b in permutations(fed, 2) if _waits_for(a, b, state, yields)}
    return any(not street.is_drained(state) for street in fed) or any((b, a) in waits for a, b in waits)


def _waits_for(street: Street, other: Street, state: str, yields: frozenset[tuple[int, int]]) -> bool:
    gives_way = [link for link in street.drained_by if state[link] == "g"]
    return any((link, feeder) in yields for link in gives_way for feeder in other.fed_by if state[feeder] in GREEN)


def _first_links(group: Sequence[Junction]) -> list[int]:
    return list(accumulate((len(one.stages[0]) for one in group[:-1]), initial=0))


def _streets(group: Sequence[Junction], first: Sequence[int]) -> Iterator[Street]:
    at = {one.id: number for one, number in zip(group, first, strict=True)}
    drains: dict[str, set[int]] = {}
    for one in group:
        for lane in one.lanes:
            if lane.length_m < SHORT_M:
                drains.setdefault(lane.approach, set()).update(at[one.id] + link for link in lane.links)
    feeds: dict[str, set[int]] = {name: set() for name in drains}
    for one in group:
        for lane in one.lanes:
            for link, _, out in lane.outs:
                street = out.rpartition("_")[0]
                if street in feeds:
                    feeds[street].add(at[one.id] + link)
    for name, fed_by in feeds.items():
        yield Street(frozenset(fed_by), frozenset(drains[name]))


def _moved(lane: Lane, at: int) -> Lane:
    return replace(
        lane,
        links=tuple(at + link for link in lane.links),
        outs=tuple((at + link, other, out) for link, other, out in lane.outs),
    )


def _renamed(lane: Lane, owner: Mapping[str, str]) -> Lane:
    return replace(
        lane,
        outs=tuple((link, owner.get(other, other), out) for link, other, out in lane.outs),
        feeders=tuple((owner.get(other, other), source, share) for other, source, share in lane.feeders),
    )
