"""The nouns of incidents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Severity = Literal["low", "medium", "high", "critical"]
State = Literal["open", "acknowledged", "resolved"]
Place = tuple[float, float]  # longitude, latitude
SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")
"""As the Smart Data Models' Alert has them; its `informational` raises no incident."""


@dataclass(frozen=True)
class Report:
    """What somebody tells. `source`: who, as the audit log has it; `reference`: what they call it themselves (the id of an Alert, the
    case number of a linked service), by which they can tell more of the same."""

    kind: str
    severity: Severity
    title: str
    source: str
    place: Place | None = None
    text: str = ""
    reference: str = ""


@dataclass(frozen=True)
class Incident:
    """`level`: how often it was escalated; `merged_into`: the incident that this one is the same as; `version` grows with every
    change. What is merged keeps its own state, so that it can be separated again."""

    id: int
    kind: str
    severity: Severity
    title: str
    source: str
    reference: str
    place: Place | None
    state: State
    owner: str
    level: int
    opened_at: datetime
    acknowledge_by: datetime
    resolve_by: datetime
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    merged_into: int | None = None
    version: int = 1


@dataclass(frozen=True)
class Entry:
    """A line of the log. `what` is a code with words in each language, `text` what a person wrote."""

    id: int
    incident: int
    at: datetime
    who: str
    what: str
    text: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """What an act makes of an incident: columns that change, and the line of the log."""

    columns: Mapping[str, Any]
    what: str
    text: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
