"""Incidents as tests need them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from madang.operations.incidents.incident import Incident, Report

NOON = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
HERE = (126.978, 37.566)
CRASH = Report(
    "accident", "high", "사거리 추돌", "app:org.example.eyes", HERE, "두 대가 부딪힘", "urn:ngsi-ld:Alert:x:1"
)
AGAIN = replace(CRASH, source="person:anna", reference="", place=(126.9785, 37.5663), title="사고 났어요", text="")
INCIDENT = Incident(
    1, "accident", "high", "사거리 추돌", CRASH.source, CRASH.reference, HERE, "open", "", 0,
    NOON, NOON + timedelta(seconds=180), NOON + timedelta(seconds=7_200),
)  # fmt: skip


def incident(**told: Any) -> Incident:
    return replace(INCIDENT, **told)
