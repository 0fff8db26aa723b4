"""MQTT payloads to writes: a table of what devices really send, and of what they send when broken."""

from __future__ import annotations

from typing import Any

import pytest

from madang.base.errors import BadRequest
from madang.cli.cities import find_city
from madang.ingest.mqtt.decode import Decoder, compile_decoder
from madang.model.operations import Append
from madang.model.removals import Delete

PLAIN = {"topic": "city/{city}/plain/+", "type": "Gauge", "id": "{1}", "format": "plain", "attributes": {"value": "="}}
WIDE = {
    "topic": "site/+/unit/#",
    "type": "Unit",
    "id": "{1}-{2}",
    "observed_at": "t",
    "attributes": {"power": {"path": "=number(p)", "unit": "KWT"}, "refSite": {"object": "=site"}, "kind": "boiler"},
}


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    return compile_decoder("helsinki", [*find_city("helsinki").mqtt, PLAIN, WIDE])


AT = "2026-06-01T04:30:05.000Z"


def prop(value: Any, unit: str | None = None, at: str | None = AT) -> dict[str, Any]:
    attribute = {"type": "Property", "value": value} | ({"unitCode": unit} if unit else {})
    return attribute | ({"observedAt": at} if at else {})


def point(lon: float, lat: float) -> dict[str, Any]:
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [lon, lat]}, "observedAt": AT}


MESSAGES = [
    (
        "city/helsinki/loop/e1_0",
        b'{"time":"2026-06-01T07:30:05+03:00","count":3,"occupancy":0.21,"speed_kmh":31.4}',
        "TrafficFlowObserved:helsinki:e1_0",
        {"intensity": prop(3), "occupancy": prop(0.21), "averageVehicleSpeed": prop(31.4, "KMH")},
    ),
    (
        "city/helsinki/loop/e1_0",
        b'{"time":"2026-06-01T04:30:05Z","count":0,"occupancy":0,"speed_kmh":null}',
        "TrafficFlowObserved:helsinki:e1_0",
        {"intensity": prop(0), "occupancy": prop(0)},
    ),
    (
        "city/helsinki/signal/J1",
        b'{"time":"2026-06-01T04:30:05Z","state":"yyrr","stage":null,"mode":"app"}',
        "TrafficSignalController:helsinki:J1",
        {"signalState": prop("yyrr"), "stage": prop(-1), "mode": prop("app")},
    ),
    (
        "city/helsinki/vehicle/tram.7",
        b'{"time":"2026-06-01T04:30:05Z","type":"tram","lon":24.94,"lat":60.17,"heading":90.5,"speed_kmh":0.0,"line":""}',
        "Vehicle:helsinki:tram.7",
        {
            "vehicleType": prop("tram"),
            "location": point(24.94, 60.17),
            "heading": prop(90.5, "DD"),
            "speed": prop(0.0, "KMH"),
        },
    ),
    ("city/helsinki/plain/a", b" 21.50\n", "Gauge:helsinki:a", {"value": prop(21.5, at=None)}),
    ("city/helsinki/plain/a", b"ON", "Gauge:helsinki:a", {"value": prop(True, at=None)}),
    ("city/helsinki/plain/a", "열림".encode(), "Gauge:helsinki:a", {"value": prop("열림", at=None)}),
    (
        "site/s1/unit/2/hot",
        b'{"t":"2026-06-01T04:30:05Z","p":"12,5","site":"urn:x:s1"}'.replace(b"12,5", b"12.5"),
        "Unit:helsinki:s1-2/hot",
        {
            "power": prop(12.5, "KWT"),
            "refSite": {"type": "Relationship", "object": "urn:x:s1", "observedAt": AT},
            "kind": prop("boiler"),
        },
    ),
]


@pytest.mark.parametrize(("topic", "payload", "local", "body"), MESSAGES)
def test_messages(decoder: Decoder, topic: str, payload: bytes, local: str, body: dict[str, Any]) -> None:
    (write,) = decoder.decode(topic, payload)
    assert isinstance(write, Append)
    entity = write.entity
    assert (entity.id, entity.types, entity.body) == (f"urn:ngsi-ld:{local}", [local.partition(":")[0]], body)


def test_an_empty_payload_deletes_whatever_the_topic_may_have_made(decoder: Decoder) -> None:
    made = [f"urn:ngsi-ld:{name}:helsinki:7" for name in ("RoadAccident", "Event")]
    assert decoder.decode("city/helsinki/incident/7", b"") == [Delete(one, missing_ok=True) for one in made]


BROKEN = [
    ("city/helsinki/loop/a", b"{", "not JSON"),
    ("city/helsinki/loop/a", b"[1,2]", "not a JSON object"),
    ("city/helsinki/loop/a", b"null", "not a JSON object"),
    ("city/helsinki/loop/a", b'{"time":"yesterday","count":1}', "observed time must be"),
    ("city/helsinki/loop/a", b'{"time":17,"count":1}', "observed time must be"),
    ("city/helsinki/loop/a", '{"time":"한"}'.encode("cp949"), "not JSON"),
    ("city/helsinki/loop/a", b"\xff\xfe{\x00}\x00", "not JSON"),
    ("city/helsinki/loop/a", b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "not JSON"),
    ("city/helsinki/loop/a", b'{"count":"' + b"9" * 300_000 + b'"}', "payload of 300012 bytes; at most 262144"),
    ("city/helsinki/vehicle/a", b'{"lon":"east","lat":1}', "not a number: 'east'"),
    ("city/helsinki/vehicle/a", b'{"lon":"inf","lat":1}', "not a number: 'inf'"),
    ("city/helsinki/vehicle/a", b'{"lon":999,"lat":1}', "location"),
    ("city/helsinki/vehicle/a", b'{"lon":{"x":1},"lat":1}', "not a number"),
    ("city/helsinki/incident/a", b'{"kind":"unheard of"}', "no rule of this topic fits the payload"),
    ("city/helsinki/plain/a", b"\xff\xff", "not text in UTF-8"),
    ("somewhere/else", b"{}", "no rule for this topic"),
    ("site/s1/unit/2", b'{"site":"no uri"}', "id must be a URI"),
    ("site/s 1/unit/2", b"{}", "id must be a URI"),
]


@pytest.mark.parametrize(("topic", "payload", "reason"), BROKEN, ids=[str(n) for n in range(len(BROKEN))])
def test_what_cannot_be_read_says_why(decoder: Decoder, topic: str, payload: bytes, reason: str) -> None:
    with pytest.raises(BadRequest, match=reason.replace("(", r"\(")):
        decoder.decode(topic, payload)
