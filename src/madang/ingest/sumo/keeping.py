"""What a field keeps so that a restart goes on where it was killed: SUMO's state and ours, the pair switched by one rename."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from madang.ingest.sumo.field import Field

STATE_FORMAT = 2
NAME = "field.json"


def save(field: Field, folder: Path) -> None:
    """Keep everything that a restart needs; the state before goes when this one is whole."""
    state = folder / f"sumo-{field.now}.xml.gz"
    field.sumo.simulation.saveState(str(state))
    body = {
        "format": STATE_FORMAT,
        "now": field.now,
        "sumo": state.name,
        "controllers": {name: device.snapshot() for name, device in field.controllers.items()},
        "kpi": field.kpi.snapshot(),
        "incidents": field.incidents.snapshot(),
        "transit": field.transit.snapshot(),
    }
    part = folder / f"{NAME}.part"
    part.write_text(json.dumps(body), encoding="utf-8")
    part.replace(folder / NAME)
    for old in folder.glob("sumo-*.xml.gz"):
        if old.name != state.name:
            old.unlink(missing_ok=True)


def find_saved(folder: Path, begin_s: int) -> dict[str, Any] | None:
    """What `save` left there, when it can be used for a field that begins at `begin_s`."""
    try:
        saved: dict[str, Any] = json.loads((folder / NAME).read_text(encoding="utf-8"))
        usable = saved["format"] == STATE_FORMAT and (folder / saved["sumo"]).exists() and saved["now"] >= begin_s
    except (OSError, ValueError, KeyError):
        return None
    return saved if usable else None


def resume(field: Field, saved: Mapping[str, Any]) -> None:
    """Continue from `save`; SUMO was started with its state file."""
    for name, device in field.controllers.items():
        if name in saved["controllers"]:
            device.restore(saved["controllers"][name])
            field.sumo.trafficlight.setRedYellowGreenState(name, device.state)
    field.kpi.restore(saved["kpi"])
    field.incidents.restore(field.sumo, saved["incidents"])
    field.transit.restore(field.sumo, saved["transit"])
    for vehicle in field.sumo.vehicle.getIDList():
        field.fleet.join(field.sumo, vehicle)
    for person in field.sumo.person.getIDList():
        field.walkers.join(person)
