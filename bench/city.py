"""What a living city costs and what its app is worth, on this machine.

    madang bench city --json [--only KEY] [--soak]

`first_observation_s` and `rss_mb`: a second start of the demo. `device_to_browser_p95_ms`: the demo with `--messages 500`.
`signals_*`: `bench.city_signals`, five seeds. `--soak`: 20 minutes of the demo at speed 10, and whose memory grew.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from bench import memory
from madang.base.city import source_path
from madang.cli.cities import city_path, find_city
from madang.cli.sources import imported
from madang.cli.up import progress

DEMO_S = 60
SOAK_S = 1_200
SAMPLE_EVERY_S = 15.0
KEYS = ("start", "load", "signals")


def run_demo(*options: str) -> dict[str, Any]:
    """The last line of `madang demo --json`. Raises CalledProcessError when it fails."""
    return _last_line(_demo(*options))


def _demo(*options: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "madang", "demo", "--json", *options]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def _last_line(demo: subprocess.Popen[str]) -> dict[str, Any]:
    said, _ = demo.communicate()
    if demo.returncode:
        raise subprocess.CalledProcessError(demo.returncode, demo.args)
    return dict(json.loads(said.splitlines()[-1]))


def start() -> dict[str, Any]:
    """The import is there already, as in any start but the first."""
    result = run_demo("--seconds", str(DEMO_S))
    return {"first_observation_s": result["first_observation_s"], "rss_mb": result["rss_mb"]}


def load() -> dict[str, Any]:
    """The whole field at more than 500 messages a second, seen from a WebSocket client."""
    result = run_demo("--seconds", str(DEMO_S), "--messages", "560", "--speed", "3")
    names = ("observations_per_s", "latency_ms_p50", "latency_ms_p95")
    return {f"load_{name}": result[name] for name in names} | {"load_rss_mb": result["rss_mb"]}


def signals() -> dict[str, Any]:
    """Five seeds, fixed programs against the app."""
    city = find_city("helsinki")
    folder = imported(city, source_path(city.map.source, city_path("helsinki").parent), progress)
    argv = [sys.executable, "-m", "bench.city_signals", "--city", str(folder), "--json", "--processes", "2"]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    report = json.loads(done.stdout.splitlines()[-1])["signals"]
    return {f"signals_{name}": value for name, value in report.items()}


def soak(seconds: int) -> dict[str, Any]:
    """The demo at speed 10 for so long. Memory: `bench.memory.growth`."""
    samples: list[memory.Sample] = []
    port = "8655"
    demo = _demo("--seconds", str(seconds), "--speed", "10", "--port", port)
    told = (f"http://127.0.0.1:{port}/", demo.pid, samples, seconds, SAMPLE_EVERY_S)
    watcher = threading.Thread(target=memory.watch, args=told, daemon=True)
    watcher.start()
    result = _last_line(demo)
    names = ("messages_lost", "latency_ms_p95", "signals")
    return {"soak_memory": memory.growth(samples)} | {f"soak_{name}": result[name] for name in names}


def main() -> int:
    parser = argparse.ArgumentParser(description="What a living city costs and what its app is worth.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=KEYS)
    parser.add_argument("--soak", type=int, nargs="?", const=SOAK_S, help="seconds of the long run (default 1200)")
    told = parser.parse_args()
    os.chdir(Path(__file__).parents[1])
    parts = {"start": start, "load": load, "signals": signals}
    result: dict[str, Any] = {}
    for name in [told.only] if told.only else [] if told.soak else KEYS:
        result |= parts[name]()
    if told.soak:
        result |= soak(told.soak)
    print(json.dumps(result) if told.json else json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
