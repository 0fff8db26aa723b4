"""What a living city costs and what its app is worth, on this machine.

    madang bench city --json [--only KEY] [--soak]

`first_observation_s` and `rss_mb`: a second start of the demo. `device_to_browser_p95_ms`: the demo with `--messages 500`.
`signals_*`: `bench.city_signals`, five seeds. `--soak`: 20 minutes of the demo at speed 10, memory and queues at its ends.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx

from madang.base.city import source_path
from madang.cli.cities import city_path, find_city
from madang.cli.sources import imported
from madang.cli.up import progress

DEMO_S = 60
SOAK_S = 1_200
KEYS = ("start", "load", "signals")


def run_demo(*options: str) -> dict[str, Any]:
    """The last line of `madang demo --json`. Raises CalledProcessError when it fails."""
    argv = [sys.executable, "-m", "madang", "demo", "--json", *options]
    done = subprocess.run(argv, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


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
    """Samples of memory and of what waits, once a minute; growth is the last quarter's mean against the second's."""
    samples: list[dict[str, float]] = []
    port = "8655"
    watcher = threading.Thread(target=_watch, args=(f"http://127.0.0.1:{port}/", samples, seconds), daemon=True)
    watcher.start()
    result = run_demo("--seconds", str(seconds), "--speed", "10", "--port", port)
    quarter = max(1, len(samples) // 4)
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    return {
        "soak_rss_mb": [round(sample["rss_mb"]) for sample in samples],
        "soak_growth_ratio": round(_mean(late, "rss_mb") / _mean(early, "rss_mb"), 3),
        "soak_messages_lost": samples[-1]["lost"],
        "soak_latency_ms_p95": result["latency_ms_p95"],
        "soak_signals": result["signals"],
    }


def _mean(samples: list[dict[str, float]], name: str) -> float:
    return sum(sample[name] for sample in samples) / len(samples)


def _watch(url: str, samples: list[dict[str, float]], seconds: int) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        time.sleep(min(60.0, seconds / 20))
        try:
            status = httpx.get(f"{url}madang/v1/status", timeout=10, trust_env=False).json()
        except (httpx.HTTPError, ValueError):
            continue
        pids = [part["pid"] for part in status["components"].values() if part.get("pid")]
        samples.append({"rss_mb": _rss_mb(pids), "lost": status["counters"]["messages_lost"]})


def _rss_mb(pids: list[int]) -> float:
    from madang.engine.supervisor import rss_mb

    return rss_mb(pids)


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
