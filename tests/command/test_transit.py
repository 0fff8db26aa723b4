from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from madang.command.transit import ON_THE_WAY, STOPPED, Reported, refuse_hold

NOW = datetime(2026, 6, 1, tzinfo=UTC)
STOP = "urn:ngsi-ld:PublicTransportStop:helsinki:n1"
HERE = Reported(STOPPED, STOP, NOW - timedelta(seconds=2))


@pytest.mark.parametrize(
    ("seen", "value", "reason"),
    [
        (HERE, {"hold_s": 30}, None),
        (HERE, {"hold_s": 90, "stop": STOP}, None),
        (HERE, {"hold_s": 30, "stop": "urn:x:other"}, "not_at_stop"),
        (HERE, {"hold_s": 90.1}, "out_of_bounds"),
        (HERE, {"hold_s": 0}, "out_of_bounds"),
        (HERE, {"hold_s": True}, "bad_value"),
        (HERE, {"hold_s": "30"}, "bad_value"),
        (HERE, {}, "bad_value"),
        (Reported(ON_THE_WAY, STOP, NOW), {"hold_s": 30}, "not_at_stop"),
        (Reported(STOPPED, STOP, NOW - timedelta(seconds=61)), {"hold_s": 30}, "device_silent"),
    ],
)
def test_who_may_be_asked_to_wait(seen: Reported, value: dict[str, Any], reason: str | None) -> None:
    refusal = refuse_hold(seen, value, NOW)
    assert (refusal.reason if refusal else None) == reason
