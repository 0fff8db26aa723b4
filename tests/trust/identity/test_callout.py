"""What a device may at the broker: its own topics, whatever they are called, and never a command."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from tests.callers import caller

from madang.base.clock import ManualClock
from madang.base.errors import BadRequest
from madang.engine.nkeys import account_nkey, read_jwt, sign_jwt
from madang.trust.identity.callout import Callout, is_own_client_id, permissions_of
from madang.trust.identity.devices import Device, check_device

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)
TOPICS = st.lists(NAMES, min_size=2, max_size=4).map("/".join)
SEED = bytes(range(32))


def fits(pattern: str, subject: str) -> bool:
    """Whether a NATS subject is of a pattern."""
    wanted, given_ = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        return len(given_) >= len(wanted) and all(w in ("*", g) for w, g in zip(wanted[:-1], given_, strict=False))
    return len(wanted) == len(given_) and all(w in ("*", g) for w, g in zip(wanted, given_, strict=True))


def allowed(rights: dict[str, Any], subject: str) -> bool:
    refused = any(fits(pattern, subject) for pattern in rights.get("deny", []))
    return any(fits(pattern, subject) for pattern in rights.get("allow", [">"])) and not refused


@given(TOPICS, TOPICS)
def test_a_device_publishes_only_below_its_topics_and_no_command(own: str, other: str) -> None:
    rights = permissions_of(Device("d", "", (own,), NOW), "yard")
    mine, theirs = (f"city.yard.{topic.replace('/', '.')}" for topic in (own, other))
    below = theirs == mine or theirs.startswith(f"{mine}.")
    assert allowed(rights["pub"], f"{mine}.receipt")
    assert not allowed(rights["pub"], f"{mine}.command")
    assert below or not allowed(rights["pub"], theirs)
    assert allowed(rights["sub"], f"{mine}.command")
    assert below or not allowed(rights["sub"], theirs)


def test_a_device_without_topics_publishes_nothing() -> None:
    rights = permissions_of(Device("d", "", (), NOW), "yard")
    subjects = ("city.yard.bin.7", "elsewhere", "$MQTT.msgs.x")
    assert [allowed(rights["pub"], subject) for subject in subjects] == [False] * 3
    assert rights["sub"] == {"allow": ["city.yard.interrogation"]}


@pytest.mark.parametrize(
    "topic", ["bin", "a/b/c/d/e", "bin/+", "bin/#", "bin/*", "bin/>", "bin/a.b", "bin/", "/bin", "a/command"]
)
def test_a_topic_that_would_mean_more_is_refused(topic: str) -> None:
    with pytest.raises(BadRequest):
        check_device("d", "", [topic])


@given(NAMES, NAMES)
def test_a_client_identifier_belongs_to_one_device(one: str, other: str) -> None:
    assert is_own_client_id(one, one)
    assert is_own_client_id(f"{one}:{other}", one)
    assert one == other or not (is_own_client_id(one, other) or is_own_client_id(f"{one}:x", other))


def test_keys_are_written_as_nats_writes_them() -> None:
    """The last two bytes are the checksum of the rest; NATS itself reads them in tests/flow/test_devices.py."""
    key = account_nkey(SEED)
    token = sign_jwt(SEED, {"sub": "x"})
    signed, _, _ = token.rpartition(".")
    assert (key[0], len(key), read_jwt(token)) == ("A", 56, {"sub": "x"})
    assert signed.count(".") == 1
    assert Ed25519PrivateKey.from_private_bytes(SEED).public_key() is not None


@pytest.mark.parametrize("token", ["", "a.b", "a.W10.c", "a.!.c"])
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(ValueError):
        read_jwt(token)


def may(device: Device) -> bool:
    """By the house's policies."""
    return caller("device", "device", name=device.id).may("write", "mqtt")


def asked(**client: str) -> dict[str, Any]:
    shown = {"user": "bin-7", "pass": "secret"}
    return {"connect_opts": shown, "client_info": client, "user_nkey": "U1", "server_id": {"id": "N1"}}


async def test_the_server_is_told_who_and_until_when() -> None:
    device = Device("bin-7", "", ("bin/7",), NOW)
    devices = Mock(authenticate=AsyncMock(return_value=(device, datetime(2026, 11, 23, tzinfo=UTC))))
    callout = Callout(Mock(), Mock(), SEED, "yard", devices, ManualClock(NOW), may)
    told = await callout.answer(asked(type="mqtt", mqtt_id="bin-7"))
    user = read_jwt(told["nats"].pop("jwt"))
    assert (user["sub"], user["aud"], user["name"], user["exp"]) == ("U1", "CITY", "bin-7", 1795392000)
    assert user["nats"]["pub"] == permissions_of(device, "yard")["pub"]
    assert (told["sub"], told["aud"], told["nats"]) == ("U1", "N1", {"type": "authorization_response", "version": 2})


@pytest.mark.parametrize(
    ("known", "client"),
    [
        (None, {"type": "mqtt", "mqtt_id": "bin-7"}),
        ((Device("bin-7", "", (), NOW), None), {"type": "mqtt", "mqtt_id": "bin-8"}),
    ],
)
async def test_the_server_is_told_no(known: Any, client: dict[str, str]) -> None:
    devices = Mock(authenticate=AsyncMock(return_value=known))
    told = await Callout(Mock(), Mock(), SEED, "yard", devices, ManualClock(NOW), may).answer(asked(**client))
    assert (told["nats"]["error"], "jwt" in told["nats"]) == ("no device of this city", False)


async def test_the_gate_is_asked_and_asked_again_when_policies_change() -> None:
    device, allowed = Device("bin-7", "", ("bin/7",), NOW), {"bin-7"}
    system, devices = Mock(request=AsyncMock()), Mock(authenticate=AsyncMock(return_value=(device, None)))
    callout = Callout(Mock(), system, SEED, "yard", devices, ManualClock(NOW), lambda one: one.id in allowed)
    shown = asked(type="mqtt", mqtt_id="bin-7")
    assert "jwt" in (await callout.answer(shown))["nats"]
    callout.judge_again()
    assert callout._ended.empty()
    allowed.clear()
    callout.judge_again()
    callout.judge_again()
    assert (callout._ended.get_nowait(), callout._ended.empty()) == ("bin-7", True)
    assert (await callout.answer(shown))["nats"]["error"] == "no device of this city"
