"""Commands to the simulated city: bounds of what may be injected. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from madang.command.arbiter import Refusal

# name -> (lowest, highest), by kind; a name not listed is refused.
BOUNDS: dict[str, dict[str, tuple[float, float]]] = {
    "simulation.rain": {"intensity_mm_h": (0.1, 50.0), "duration_s": (10.0, 7200.0)},
    "simulation.accident": {"duration_s": (10.0, 7200.0)},
    "simulation.event": {"trips": (1, 2000), "duration_s": (10.0, 7200.0)},
    "simulation.clear": {},
}
TEXTS = {"simulation.accident": ("edge",), "simulation.event": ("edge",)}
TEXT_MAX_CHARS = 200


def refuse_simulation(kind: str, value: Mapping[str, Any]) -> Refusal | None:
    """Why an injection may not go to the simulator; None when it may."""
    bounds, texts = BOUNDS[kind], TEXTS.get(kind, ())
    for name, given in value.items():
        if name in texts:
            if not isinstance(given, str) or not 0 < len(given) <= TEXT_MAX_CHARS:
                return Refusal("bad_value", f"{name} must be a text of at most {TEXT_MAX_CHARS} characters")
        elif name not in bounds:
            return Refusal("bad_value", f"{kind} knows no {name!r}")
        elif isinstance(given, bool) or not isinstance(given, int | float):
            return Refusal("bad_value", f"{name} must be a number")
        elif not bounds[name][0] <= given <= bounds[name][1]:
            said = f"{name} must be {bounds[name][0]:g} to {bounds[name][1]:g}"
            return Refusal("out_of_bounds", said, {"name": name})
    return None
