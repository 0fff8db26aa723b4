"""What becomes of reports and acts. Pure: the hour is an argument, and nothing is read or written here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from shapely.geometry import Point

from madang.base.errors import BadRequest, Conflict
from madang.model.geometry import distance_m
from madang.operations.incidents.incident import Change, Incident, Place, Report, Severity
from madang.operations.incidents.procedures import Limits, Procedure

TEXT_NEEDED = "say it in a sentence"


def metres(one: Place, other: Place) -> float:
    """Great-circle distance."""
    return distance_m(Point(one), Point(other))


def same_as(report: Report, known: Iterable[Incident], procedure: Procedure, now: datetime) -> Incident | None:
    """The incident that a report tells of again: of the same kind, not yet resolved, near enough in place and time; the nearest of
    several. Without a place on one side nothing says that they are the same."""
    since = now - timedelta(seconds=procedure.join_s)
    near = [
        (metres(report.place, one.place), one.id, one)
        for one in known
        if one.kind == report.kind
        and one.state != "resolved"
        and one.merged_into is None
        and one.opened_at >= since
        and report.place is not None
        and one.place is not None
    ]
    hits = [hit for hit in near if hit[0] <= procedure.join_m]
    return min(hits)[2] if hits else None


def due(limits: Limits, opened_at: datetime) -> tuple[datetime, datetime]:
    """By when somebody must have it, and by when it must be over."""
    return opened_at + timedelta(seconds=limits.acknowledge_s), opened_at + timedelta(seconds=limits.resolve_s)


def overdue(incident: Incident, now: datetime) -> int:
    """0: in time; 1: nobody took it in time; 2: it is not over in time."""
    if incident.state == "resolved" or incident.merged_into is not None:
        return 0
    if now > incident.resolve_by:
        return 2
    return 1 if incident.state == "open" and now > incident.acknowledge_by else 0


def acknowledge(incident: Incident, by: str, now: datetime) -> Change:
    """Raises Conflict when somebody has it."""
    _alone(incident)
    if incident.state != "open":
        raise Conflict("somebody has this incident already", reason="incident_taken")
    return Change({"state": "acknowledged", "owner": by, "acknowledged_at": now}, "acknowledged")


def assign(incident: Incident, owner: str) -> Change:
    """To somebody else. Raises Conflict."""
    _unresolved(incident)
    return Change({"owner": owner}, "assigned", details={"owner": owner})


def grade(incident: Incident, severity: Severity, procedure: Procedure) -> Change:
    """The clock counts from when it was opened, by the limits of the new severity. Raises Conflict."""
    _unresolved(incident)
    acknowledge_by, resolve_by = due(procedure.limits[severity], incident.opened_at)
    columns = {"severity": severity, "acknowledge_by": acknowledge_by, "resolve_by": resolve_by}
    return Change(columns, "graded", details={"from": incident.severity, "to": severity})


def escalate(incident: Incident, why: str, level: int | None = None) -> Change:
    """One level up, or to `level`. Raises Conflict."""
    _unresolved(incident)
    reached = incident.level + 1 if level is None else level
    return Change({"level": reached}, "escalated", why, {"level": reached})


def resolve(incident: Incident, text: str, left_out: list[str], now: datetime) -> Change:
    """With what came of it; steps of the checklist that were left out are on record. Raises Conflict, BadRequest."""
    _unresolved(incident)
    if not text:
        raise BadRequest(TEXT_NEEDED, reason="incident_text")
    return Change({"state": "resolved", "resolved_at": now}, "resolved", text, {"left_out": left_out})


def reopen(incident: Incident, text: str) -> Change:
    """Raises Conflict unless it was resolved, BadRequest without a reason."""
    _alone(incident)
    if incident.state != "resolved":
        raise Conflict("this incident is open", reason="incident_open")
    if not text:
        raise BadRequest(TEXT_NEEDED, reason="incident_text")
    state = "acknowledged" if incident.owner else "open"
    return Change({"state": state, "resolved_at": None}, "reopened", text)


def merge(incident: Incident, into: Incident) -> Change:
    """Raises Conflict for what has ended or is merged already."""
    _unresolved(incident)
    _unresolved(into)
    if incident.id == into.id:
        raise Conflict("an incident cannot be merged into itself", reason="incident_merged")
    return Change({"merged_into": into.id}, "merged", details={"into": into.id})


def separate(incident: Incident) -> Change:
    """The way back from a merge. Raises Conflict."""
    if incident.merged_into is None or incident.state == "resolved":
        raise Conflict("this incident is not merged, or is over", reason="incident_merged")
    return Change({"merged_into": None}, "separated", details={"from": incident.merged_into})


def _alone(incident: Incident) -> None:
    if incident.merged_into is not None:
        raise Conflict(f"this incident is merged into {incident.merged_into}", reason="incident_merged")


def _unresolved(incident: Incident) -> None:
    _alone(incident)
    if incident.state == "resolved":
        raise Conflict("this incident is over", reason="incident_over")
