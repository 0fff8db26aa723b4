"""An app in the testbed, whole: real kernel, sandbox and simulator. The same seed gives the same score, to the last digit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyrosm")
ROOT = Path(__file__).resolve().parents[2]


def score(minutes: int) -> dict[str, Any]:
    argv = [sys.executable, "-m", "madang", "testbed", str(ROOT / "apps" / "signals"), "--seeds", "1", "--json"]
    done = subprocess.run(
        [*argv, "--minutes", str(minutes)], capture_output=True, text=True, env=os.environ, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_a_score_is_whole() -> None:
    found = score(1)
    assert [row["measure"] for row in found["for_people"]] == [
        "delay", "worst_delay", "waiting", "stops", "co2", "energy", "unfinished",
    ]  # fmt: skip
    costs = {row["measure"]: row["value"] for row in found["costs"]}
    assert costs["cpu"] > 0 and costs["memory"] > 0 and costs["commands_done"] > 0


@pytest.mark.nightly
def test_the_same_seed_gives_the_same_score() -> None:
    first, second = score(4), score(4)
    assert first["for_people"] == second["for_people"]
    assert first["for_people"][0]["with"] < first["for_people"][0]["without"]
