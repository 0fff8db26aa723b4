"""Who may connect to the embedded broker, by register, policies and detector."""

from __future__ import annotations

import asyncio
import contextlib

from madang.base.city import CityConfig
from madang.base.errors import BadRequest
from madang.bus.connection import connect
from madang.engine.nats import issuer_seed, url_of
from madang.engine.settings import Settings
from madang.ingest.mqtt.decode import Decoder, compile_decoder
from madang.trust.caller import Claim
from madang.trust.defence.guard import Guard
from madang.trust.identity.callout import Callout
from madang.trust.identity.devices import Device
from madang.trust.identity.house import Identity
from madang.trust.policy.gate import Gate
from madang.trust.principal import Principal


async def know_devices(settings: Settings, city: CityConfig, identity: Identity, gate: Gate, guard: Guard) -> None:
    """For ever: answers for who connects to the embedded broker. An outside broker knows its devices itself."""
    if not settings.embedded_bus:
        await asyncio.Event().wait()
    asked, system = [await connect(url_of(settings, user), "callout") for user in ("callout", "system")]
    seed, decoder = issuer_seed(settings.run_dir), compile_decoder(city.id, list(city.mqtt))

    def may(device: Device) -> bool:
        caller = gate.caller(Claim(Principal("device", device.id, frozenset({"device"}))))
        return caller.may("write", "mqtt") and not any(map(guard.is_quarantined, known_as(device, city.id, decoder)))

    callout = Callout(asked, system, seed, settings.city, identity.devices, identity.clock, may)
    identity.identities.told.append(callout.hear)
    gate.changed.append(callout.judge_again)
    guard.changed.append(callout.judge_again)
    await callout.run()


def known_as(device: Device, city: str, decoder: Decoder) -> list[str]:
    """By which names the detector knows a device: its own, and those of the entities that its topics make."""
    made = []
    for topic in device.topics:
        with contextlib.suppress(BadRequest):  # a topic of no rule, or whose entity is named by what the payload says
            made += [operation.target for operation in decoder.decode(f"city/{city}/{topic}", b"")]
    return [f"device:{name}" for name in (device.id, *made)]
