"""From history rows to the temporal evolution of an entity, pure (clauses 4.5.6, 4.5.7, 5.2.20).

A row's `op` is c, u, d for what happened to the entity, t for what was told of its past only. Its change maps names to an
instance, a list of them (None where one was erased), or None.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from typing import Any
from zlib import crc32

import msgspec

from madang.base.clock import to_iso
from madang.history.window import Window
from madang.model.kinds import NULL, VALUE_KEY

COLUMNS_AT_ONCE = 4
_decode = msgspec.json.Decoder(list[dict[str, Any]]).decode
Instance = dict[str, Any]
Change = dict[str, Any]
# (value of the time property, seq of the row, place in the row's list, the instance). A plain tuple: there are many.
Event = tuple[str, int, int, Instance]
ELSEWHERE = -1
"""The seq of what another broker told; such an instance brings its `instanceId`."""


@dataclass(slots=True)
class Rows:
    """Columns of consecutive rows of one entity. `times` only if asked for: `needs_times` says when. `changes` is the
    JSON list of the rows' changes."""

    seqs: Sequence[int]
    ops: str
    times: Sequence[datetime] | None
    changes: str


def needs_times(window: Window, names: frozenset[str] | None) -> bool:
    """A deletion and a scope carry no time of their own: the row's is theirs."""
    return window.property == "deletedAt" or names is None or "scope" in names


Evolution = dict[str, list[Event]]


def instance_id(name: str, event: Event) -> str:
    """Always the same for the same stored instance."""
    if event[1] == ELSEWHERE:
        return str(event[3]["instanceId"])
    return f"urn:ngsi-ld:Instance:{event[1]}-{crc32(name.encode()):08x}-{event[2]}"


def place_of(name: str, identifier: str) -> tuple[int, int] | None:
    """`(seq, index)` of an instance id of that attribute, or None when it is none."""
    seq, check, index = (*identifier.removeprefix("urn:ngsi-ld:Instance:").split("-"), "", "", "")[:3]
    if not (seq.isascii() and seq.isdigit() and index.isascii() and index.isdigit()) or len(seq) > 18:
        return None
    return (int(seq), int(index)) if check == f"{crc32(name.encode()):08x}" else None


class Collector:
    """Folds rows, in any portions but in the order they were written, into the events of a window."""

    def __init__(self, window: Window, names: frozenset[str] | None = None) -> None:
        self._window, self._names = window, names
        self._found: dict[str, dict[Any, Event]] = {}
        self._known: dict[str, dict[str | None, str]] = {}
        self.seen: set[str] = set()

    def add(self, rows: Rows) -> None:
        if self._window.property == "deletedAt":
            self._add_deletions(rows)
            return
        names, changes = self._names, _decode(rows.changes)
        if names is not None and len(names) <= COLUMNS_AT_ONCE:
            names = frozenset(name for name in names if not self._add_column(name, rows, changes))
        if names is None or names:
            self._add_rows(rows, changes, names)

    def _add_column(self, name: str, rows: Rows, changes: list[Change]) -> bool:
        """The hot path: an attribute that is in every row one instance with a time of its own. False, and nothing done,
        when it is more than that."""
        prop, low, high = self._window.property, self._window.low or "", self._window.high or "\uffff"
        column = [(seq, change[name]) for seq, change in zip(rows.seqs, changes, strict=True) if name in change]
        if not column:
            return True
        if prop != "observedAt" or not all(
            type(one) is dict and prop in one and "datasetId" not in one for _, one in column
        ):
            return False
        inside = [(one[prop], seq, 0, one) for seq, one in column if low < one[prop] < high]
        events: dict[Any, Event] = {event[0]: event for event in inside}
        before = self._found.get(name, {})
        if len(events) < len(inside) or not before.keys().isdisjoint(events):
            return False
        self.seen.add(name)
        if events:
            self._found[name] = before | events if before else events
        return True

    def _add_rows(self, rows: Rows, changes: list[Change], names: frozenset[str] | None) -> None:
        for seq, op, at, change in _each(rows, changes):
            for name, value in change.items():
                if names is None or name in names:
                    self.seen.add(name)
                    for place, instance in enumerate(_instances(name, value, op, at)):
                        if instance is not None:
                            self._keep(name, seq, place, op, instance)

    def _keep(self, name: str, seq: int, place: int, op: str, instance: Instance) -> None:
        """An instance that a later row merely repeats keeps its first place; one that says something else of the same
        time corrects the earlier."""
        window = self._window
        at = instance.get(window.property)
        if at is None:
            if window.strict:
                return
            at = instance["modifiedAt"]
        if not window.holds(at):
            return
        observed, dataset = instance.get("observedAt"), instance.get("datasetId")
        key: Any = observed if dataset is None else (dataset, observed)
        if observed is None or window.property != "observedAt":
            key = (seq, place) if op == "t" else (dataset, observed, instance["modifiedAt"])
        events = self._found.setdefault(name, {})
        old = events.get(key)
        if old is None or old[3] != instance:
            events[key] = (at, seq, place, instance)

    def _add_deletions(self, rows: Rows) -> None:
        """What each row takes away of what was there before it."""
        for seq, op, at, change in _each(rows, _decode(rows.changes)):
            if op == "t" or at is None:
                continue
            gone = dict.fromkeys(self._known) if op == "d" else {}
            for name, value in {**gone, **change}.items():
                self.seen.add(name)
                instances = _instances(name, value, op, at)
                after = {one.get("datasetId"): one["type"] for one in instances if one is not None}
                before, self._known[name] = self._known.get(name, {}), after
                lost = [(dataset, kind) for dataset, kind in before.items() if dataset not in after]
                if lost and (self._names is None or name in self._names) and self._window.holds(to_iso(at)):
                    tombstones = [_tombstone(name, kind, dataset, to_iso(at)) for dataset, kind in lost]
                    events = [(to_iso(at), seq, place, one) for place, one in enumerate(tombstones)]
                    self._found.setdefault(name, {}).update({event[1:3]: event for event in events})

    def evolution(self) -> Evolution:
        """The events of each attribute in order of time, the last N of each data set if the window says so."""
        out: Evolution = {}
        for name, found in self._found.items():
            events = sorted(found.values())  # the place is never the same twice, so no instance is ever compared
            out[name] = events if self._window.last is None else last_of(events, self._window.last)
        return out

    @property
    def size(self) -> int:
        return sum(map(len, self._found.values()))


def _each(rows: Rows, changes: list[Change]) -> Any:
    """`(seq, op, time or None, change)` of each row."""
    return zip(rows.seqs, rows.ops, rows.times or repeat(None), changes, strict=False)


def _instances(name: str, value: Any, op: str, at: datetime | None) -> list[Instance | None]:
    """The stored instances of one name; a scope of the entity is told as a Property (clause 4.18)."""
    if value is None or name == "expiresAt":
        return []
    if name == "scope" and op != "t":
        if at is None:
            return []
        stamp = to_iso(at)
        return [{"type": "Property", "value": value, "createdAt": stamp, "modifiedAt": stamp}]
    return value if isinstance(value, list) else [value]


def _tombstone(name: str, kind: str, dataset: str | None, at: str) -> Instance:
    """What stands for a deleted attribute (clauses 4.5.6, 4.18)."""
    value: Any = [] if name == "scope" else {"@none": NULL} if kind == "LanguageProperty" else NULL
    out = {"type": kind, VALUE_KEY[kind]: value, "deletedAt": at}
    return out if dataset is None else out | {"datasetId": dataset}


def last_of(events: list[Event], count: int) -> list[Event]:
    """The last `count` of each data set, still in order of time."""
    left: dict[str | None, int] = {}
    kept = []
    for event in reversed(events):
        dataset = event[3].get("datasetId")
        left[dataset] = left.get(dataset, 0) + 1
        if left[dataset] <= count:
            kept.append(event)
    return kept[::-1]
