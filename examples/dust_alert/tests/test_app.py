"""Who agreed and lives near is texted once a day; who did not is not; what was kept of them is erased."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(FOLDER.parent))

from dust_alert import app as dust  # noqa: E402
from dust_alert.sms import SimulatedSms  # noqa: E402
from madang.sdk.testing import FakeCity, Viewer  # noqa: E402

HERE, AWAY = [126.978, 37.566], [126.9, 37.5]
STATION = {
    "id": "urn:ngsi-ld:AirQualityObserved:x:1",
    "type": "AirQualityObserved",
    "location": {"type": "Point", "coordinates": HERE},
}


def at(place: list[float]) -> dict[str, Any]:
    return {"type": "Point", "coordinates": place}


async def test_who_agreed_and_lives_near_is_texted_once_a_day() -> None:
    dust.sms = sms = SimulatedSms()
    async with FakeCity(dust.app, FOLDER, zone="Asia/Seoul") as city:
        for who, is_ill, phone, place in (
            ("p1", True, "010-1", HERE),
            ("p2", True, "010-2", AWAY),
            ("p3", False, "010-3", HERE),
        ):
            city.show("health", who, asthma=is_ill)
            city.show("contact", who, phone=phone)
            city.show("place", who, location=at(place))
        city.show("health", "p4", asthma=True)  # who shows no phone
        city.show("place", "p4", location=at(HERE))
        await city.put({**STATION, "pm25": 30.0})
        assert sms.sent == []
        await city.put({"id": STATION["id"], "type": "AirQualityObserved", "pm25": 90.0})
        await city.put({"id": STATION["id"], "type": "AirQualityObserved", "pm25": 95.0})
        assert [phone for phone, _ in sms.sent] == ["010-1"]
        seen = [(await city.page("/", Viewer(language=one))).body.decode() for one in ("ko", "en")]
        city.want_erased("p1", "contact", "dust")
        await city.advance(days=1)
        await city.put({"id": STATION["id"], "type": "AirQualityObserved", "pm25": 99.0})
    assert "모의" in seen[0] and "simulated" in seen[1]
    assert (city.receipts, len(sms.sent)) == ([{"id": "erasure-1", "erased": 1, "note": ""}], 2)
