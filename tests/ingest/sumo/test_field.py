"""The simulated field on a real simulator: same seed same day, injections, commands, a restart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]


def drive(city: Path, run: Path, seed: int = 1, seconds: int = 200, mode: str = "live") -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.ingest.sumo.drive", str(city), str(run), str(seed), str(seconds), mode]
    env = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def test_same_seed_same_day(small_city: Path, tmp_path: Path) -> None:
    runs = [drive(small_city, tmp_path / str(i), seed) for i, seed in enumerate((1, 1, 2))]
    assert runs[0]["hash"] == runs[1]["hash"] != runs[2]["hash"]
    kinds = runs[0]["kinds"]
    assert {"loop", "signal", "vehicle", "pedestrian", "air", "noise", "weather", "kpi"} <= set(kinds)
    assert kinds["vehicle"] <= 200 * 100 and runs[0]["last"]["kpi"]["vehicles"] > 0


def test_shadow_tells_its_delay_only(small_city: Path, tmp_path: Path) -> None:
    shadow = drive(small_city, tmp_path / "s", mode="shadow")
    live = drive(small_city, tmp_path / "l")
    assert set(shadow["kinds"]) == {"kpi"}
    assert shadow["last"]["kpi"] == live["last"]["kpi"], "without commands both live the same day"


def test_commands_move_signals_and_end(small_city: Path, tmp_path: Path) -> None:
    moved = drive(small_city, tmp_path / "c", mode="command", seconds=400)
    assert moved["kinds"]["receipts"] > 50
    assert {"app", "fallback", "fixed"} == set(moved["modes"])


def test_injections_show(small_city: Path, tmp_path: Path) -> None:
    hit = drive(small_city, tmp_path / "i", mode="inject", seconds=400)
    assert hit["kinds"]["incident"] >= 3 and hit["last"]["weather"]["precipitation"] > 2


def test_a_killed_field_goes_on(small_city: Path, tmp_path: Path) -> None:
    whole = drive(small_city, tmp_path / "a", seconds=180, mode="save")
    again = drive(small_city, tmp_path / "a", seconds=60, mode="save")
    assert again["first"] == 180
    assert again["kinds"]["pedestrian"] > 0 and again["last"]["kpi"]["pedestrians"] > 0
    assert again["last"]["kpi"]["vehicles"] >= whole["last"]["kpi"]["vehicles"]
    assert abs(again["last"]["kpi"]["running"] - whole["last"]["kpi"]["running"]) < 60


def test_a_bus_takes_its_passengers_and_waits_when_told_to(small_city: Path, tmp_path: Path) -> None:
    free = drive(small_city, tmp_path / "f", seconds=400)
    told = drive(small_city, tmp_path / "h", seconds=400, mode="hold")
    bus = {name: free["last"]["bus"][name] for name in ("type", "line", "route")}
    assert bus == {"type": "bus", "line": "7", "route": "7"}
    assert free["last"]["kpi"]["boarded"] > 0 and free["last"]["kpi"]["stop_wait_s"] > 0
    assert (free["last"]["kpi"]["held_s"], set(told["held"])) == (0, {"done", "not_at_stop", "hold_too_long"})
    assert 0 < told["last"]["kpi"]["held_s"] <= 90 * told["held"]["done"]
