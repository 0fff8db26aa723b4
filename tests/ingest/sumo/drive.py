"""Runs a field in a process of its own (libsumo is one per process) and prints a hash of what it said."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from madang.ingest.sumo.field import Setup
from madang.ingest.sumo.keeping import save
from madang.ingest.sumo.link import Broker
from madang.ingest.sumo.messages import CityTime
from madang.ingest.sumo.run import Settings, prepare


def main(files: str, run: str, seed: str, seconds: str, mode: str) -> None:
    setup = Setup("toy", CityTime(datetime(2026, 6, 1, tzinfo=UTC)), int(seed), mode != "shadow", 100.0, 1.0)
    told = Settings(setup, Path(files), Path(run), 0, 0.0, Broker("nowhere", 1))
    field = prepare(told, None)
    first, digest, kinds, last = field.now, hashlib.sha256(), {}, {}
    most, modes, held = 0, set(), {}
    for _ in range(int(seconds)):
        if mode == "command" and field.now % 40 == 20:
            for name in field.controllers:
                stage = (field.now // 40) % len(field.controllers[name].plan.stages)
                body = {"commandId": "x", "stage": stage, "until": setup.time.text(field.now + 35)}
                kinds["receipts"] = kinds.get("receipts", 0) + len(field.command("signal", name, body))
        if mode == "hold":
            for bus in field.transit.mode:
                answer = field.command("vehicle", bus, {"commandId": "h", "until": setup.time.text(field.now + 30)})[0]
                told = str((answer.payload or {}).get("reason", "done"))
                held[told] = held.get(told, 0) + 1
        if mode == "inject" and field.now == 60:
            for body in ({"kind": "rain"}, {"kind": "accident", "duration_s": 60}, {"kind": "event", "trips": 20}):
                field.inject({"commandId": f"i-{body['kind']}"} | body)
        said = field.step()
        most = max(most, len(said))
        for message in said:
            kind = message.topic.split("/")[2]
            kinds[kind] = kinds.get(kind, 0) + 1
            last[str(message.payload["type"]) if kind == "vehicle" and message.payload else kind] = message.payload
            if kind == "signal" and message.payload:
                modes.add(message.payload["mode"])
            digest.update((message.topic + json.dumps(message.payload, allow_nan=False)).encode())
        if field.now % 60 == 0 and mode == "save":
            save(field, told.run)
    body = {"first": first, "hash": digest.hexdigest(), "kinds": kinds, "last": last, "most": most}
    field.sumo.close()
    print(json.dumps(body | {"modes": sorted(modes), "held": held}))


if __name__ == "__main__":
    main(*sys.argv[1:])
