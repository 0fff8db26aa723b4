"""What a door refuses is on record, and not a thousand times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from madang.base.clock import ManualClock
from madang.base.limits import REFUSALS_MAX_PER_MINUTE
from madang.trust.audit.recorder import Recorder
from madang.trust.audit.refusals import Refusals

pytestmark = pytest.mark.engine
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def facts(recorder: Recorder) -> list[tuple[str, str, str]]:
    return [(one.who, one.what, one.whom) for one in recorder.facts]


def test_it_is_told_once_a_minute_without_what_follows_in_the_path(recorder: Recorder) -> None:
    clock = ManualClock(NOW)
    refusals = Refusals(recorder, clock)
    for _ in range(3):
        refusals.tell("app:rides", "GET", "/ngsi-ld/v1/entities/urn:x:kim/attrs/home?options=sysAttrs")
    refusals.tell("app:ads", "GET", "/madang/v1/audit")
    told = [("app:rides", "refused", "GET /ngsi-ld/v1/entities"), ("app:ads", "refused", "GET /madang/v1/audit")]
    assert facts(recorder) == told
    clock.set(NOW + timedelta(minutes=1))
    refusals.tell("app:ads", "GET", "/madang/v1/audit")
    assert facts(recorder) == [*told, told[1]]


def test_a_flood_ends_with_the_minute(recorder: Recorder) -> None:
    refusals = Refusals(recorder, ManualClock(NOW))
    for number in range(REFUSALS_MAX_PER_MINUTE + 10):
        refusals.tell(f"person:{number}", "GET", "/madang/v1/audit")
    assert len(recorder.facts) == REFUSALS_MAX_PER_MINUTE
