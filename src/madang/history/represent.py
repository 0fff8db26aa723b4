"""Temporal representations: normalized (clause 4.5.7), simplified (4.5.9) and aggregated (4.5.19), pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from madang.base.clock import short_iso
from madang.history.aggregate import aggregate, periods
from madang.history.evolution import ELSEWHERE, Event, Evolution, instance_id
from madang.history.series import Series
from madang.history.window import TIME_PROPERTIES, Aggregation, Window
from madang.model.kinds import VALUE_KEY
from madang.model.render import Form, render_instance

_PLURAL = {"value": "values", "object": "objects", "json": "jsons", "vocab": "vocabs", "languageMap": "languageMaps",
           "valueList": "valueLists", "objectList": "objectLists"}  # fmt: skip


@dataclass(frozen=True)
class View:
    """How an evolution is shown. `form.format` simplified means pairs of value and time; `pick` and `omit` hold
    internal names and the members `id` and `type`."""

    form: Form
    window: Window
    aggregation: Aggregation | None = None
    pick: frozenset[str] | None = None
    omit: frozenset[str] = frozenset()

    def shows(self, name: str) -> bool:
        return (self.pick is None or name in self.pick) and name not in self.omit


def represent(identifier: str, types: Sequence[str], evolution: Evolution, view: View) -> dict[str, Any]:
    """One EntityTemporal, ready for JSON. Empty when nothing of it was picked."""
    start = _start(evolution, view.window) if view.aggregation else ""
    shown = {name: _attribute(name, events, view, start) for name, events in evolution.items() if view.shows(name)}
    return _framed(identifier, types, shown, view)


def represent_series(identifier: str, types: Sequence[str], name: str, series: Series, view: View) -> dict[str, Any]:
    """An EntityTemporal with the aggregates of one plain series: what `represent` would say of it."""
    assert view.aggregation is not None
    start = view.window.low or next(iter(series.times), "")
    shown = _aggregated({"type": "Property"}, series.times, series.values, view.aggregation, view.window, start)
    return _framed(identifier, types, {name: shown} if series.times and view.shows(name) else {}, view)


def _framed(identifier: str, types: Sequence[str], shown: dict[str, Any], view: View) -> dict[str, Any]:
    context = view.form.context
    out: dict[str, Any] = {}
    if view.shows("id"):
        out["id"] = identifier
    if view.shows("type"):
        names = [context.compact(name) for name in types]
        out["type"] = names[0] if len(names) == 1 else names
    return out | {context.compact(name): attribute for name, attribute in shown.items()}


def _attribute(name: str, events: list[Event], view: View, start: str) -> Any:
    if view.aggregation is None and view.form.format != "simplified":
        return [_instance(name, event, view) for event in events]
    groups = _by_dataset(events)
    if view.aggregation is not None:
        shown = [_group(kind, group, view.aggregation, view.window, start) for kind, group in groups]
    else:
        shown = [_pairs(kind, group, view.form) for kind, group in groups]
    return shown[0] if len(shown) == 1 else shown


def _instance(name: str, event: Event, view: View) -> Any:
    instance = event[3]
    if event[1] == ELSEWHERE:
        instance = {name: value for name, value in instance.items() if name != "instanceId"}
    shown = render_instance(instance, view.form)
    out = shown if isinstance(shown, dict) else {"value": shown}
    out["instanceId"] = instance_id(name, event)
    if view.window.property in event[3]:
        out[view.window.property] = event[0]
    return out | {time: short_iso(out[time]) for time in TIME_PROPERTIES if time in out}


def _by_dataset(events: list[Event]) -> list[tuple[dict[str, Any], list[Event]]]:
    """Each series by itself, under its type and datasetId; an attribute without events has one empty series."""
    kinds = {event[3]["type"] for event in events}
    if len(kinds) == 1 and not any("datasetId" in event[3] for event in events):
        return [({"type": kinds.pop()}, events)]
    groups: dict[tuple[str, str | None], list[Event]] = {}
    for event in events:
        groups.setdefault((event[3]["type"], event[3].get("datasetId")), []).append(event)
    named: list[tuple[dict[str, Any], list[Event]]] = [
        ({"type": kind} if dataset is None else {"type": kind, "datasetId": dataset}, group)
        for (kind, dataset), group in groups.items()
    ]
    return named or [({"type": "Property"}, [])]


def _pairs(kind: dict[str, Any], events: list[Event], form: Form) -> dict[str, Any]:
    plain = replace(form, format="simplified")
    key = _PLURAL[VALUE_KEY[kind["type"]]]
    return kind | {key: [[render_instance(event[3], plain), short_iso(event[0])] for event in events]}


def _start(evolution: Evolution, window: Window) -> str:
    """Periods are counted from where the query starts, or from the first instance of the entity."""
    return window.low or min((events[0][0] for events in evolution.values() if events), default="")


def _group(
    kind: dict[str, Any], events: list[Event], aggregation: Aggregation, window: Window, start: str
) -> dict[str, Any]:
    key = VALUE_KEY[kind["type"]]
    times, values = [event[0] for event in events], [event[3][key] for event in events]
    return _aggregated(kind, times, values, aggregation, window, start)


def _aggregated(
    kind: dict[str, Any],
    times: Sequence[str],
    values: Sequence[Any],
    aggregation: Aggregation,
    window: Window,
    start: str,
) -> dict[str, Any]:
    end = window.high or (times[-1] if times else start)
    found = [
        (short_iso(lower), short_iso(upper), inside)
        for lower, upper, inside in periods(times, values, aggregation.duration, start, end)
    ]
    out = dict(kind)
    for method in aggregation.methods:
        results = [(aggregate(method, inside), lower, upper) for lower, upper, inside in found]
        out[method] = [list(result) for result in results if result[0] is not None]
    return out
