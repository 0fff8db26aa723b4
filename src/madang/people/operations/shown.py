"""Incidents as their pages show them, in one language. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from madang.operations.incidents.incident import Entry, Incident
from madang.operations.incidents.procedures import Procedure, Procedures, procedure_of

Values = dict[str, Any]
Words = Callable[..., str]
TAGS = {"critical": "bad", "high": "warn", "medium": "", "low": ""}


@dataclass(frozen=True)
class Reader:
    """Who reads: their language, the city's clock, and the names of people by principal."""

    language: str
    zone: ZoneInfo
    names: Mapping[str, str]
    words: Mapping[str, str]

    def t(self, key: str, **filled: Any) -> str:
        return self.words[key].format(**filled) if filled else self.words[key]

    def at(self, moment: datetime) -> str:
        """In the city's time."""
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M:%S}"

    def who(self, principal: str) -> str:
        """Nobody's id where there is a name."""
        if not principal:
            return self.t("ops.nobody")
        return self.t("ops.who.madang") if principal == "madang" else self.names.get(principal, principal)


def minutes(seconds: float) -> int:
    """Begun ones count, so that nothing is 0 minutes late."""
    return math.ceil(abs(seconds) / 60)


def clock(incident: Incident, now: datetime, reader: Reader) -> tuple[str, bool]:
    """The limit that comes next in words, and whether it has passed."""
    if incident.state == "resolved":
        return reader.t("ops.clock.done"), False
    what = "acknowledge" if incident.state == "open" else "resolve"
    limit = incident.acknowledge_by if what == "acknowledge" else incident.resolve_by
    left_s = (limit - now).total_seconds()
    late = left_s < 0
    return reader.t(f"ops.clock.{what}{'_late' if late else ''}", minutes=minutes(left_s)), late


def line(incident: Incident, procedures: Procedures, now: datetime, reader: Reader) -> Values:
    """One in a list."""
    told, late = clock(incident, now, reader)
    return {
        "id": incident.id,
        "title": incident.title,
        "kind": procedure_of(procedures, incident.kind).name[reader.language],
        "severity": incident.severity,
        "tag": TAGS[incident.severity],
        "state": incident.state,
        "owner": reader.who(incident.owner),
        "source": reader.who(incident.source),
        "level": incident.level,
        "clock": told,
        "late": late,
        "opened": reader.at(incident.opened_at),
        "resolved": reader.at(incident.resolved_at) if incident.resolved_at else "",
        "place": incident.place,
        "merged_into": incident.merged_into,
    }


def checklist(procedure: Procedure, done: Mapping[str, tuple[str, Any]], reader: Reader) -> list[Values]:
    return [
        {
            "id": step.id,
            "text": step.text[reader.language],
            "done": _by(done[step.id], reader) if step.id in done else "",
        }
        for step in procedure.steps
    ]


def _by(told: tuple[str, Any], reader: Reader) -> str:
    return reader.t("ops.steps.done", who=reader.who(told[0]), at=reader.at(told[1]))


def logged(entries: Sequence[Entry], procedure: Procedure, reader: Reader) -> list[Values]:
    """Each line: when, who, what in words, and what a person wrote."""
    return [
        {
            "id": one.id,
            "incident": one.incident,
            "at": reader.at(one.at),
            "who": reader.who(one.who),
            "what": sentence(one, procedure, reader),
            "text": one.text,
        }
        for one in entries
    ]


def sentence(entry: Entry, procedure: Procedure, reader: Reader) -> str:
    """What a line of the log says."""
    steps = {step.id: step.text[reader.language] for step in procedure.steps}
    told = dict(entry.details)
    match entry.what:
        case "resolved" if told.get("left_out"):
            left = "; ".join(steps.get(one, one) for one in told["left_out"])
            return reader.t("ops.log.resolved_left", steps=left)
        case "graded":
            words = {name: reader.t(f"ops.severity.{told[name]}") for name in ("from", "to")}
            return reader.t("ops.log.graded", from_=words["from"], to=words["to"])
        case "assigned":
            return reader.t("ops.log.assigned", owner=reader.who(told["owner"]))
        case "handed_over":
            return reader.t("ops.log.handed_over", from_=reader.who(told["from"]))
        case "separated":
            return reader.t("ops.log.separated", from_=told["from"])
        case "step" | "step_undone":
            return reader.t(f"ops.log.{entry.what}", step=steps.get(told["step"], told["step"]))
    return reader.t(f"ops.log.{entry.what}", **told)
