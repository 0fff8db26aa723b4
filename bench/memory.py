"""Whose memory grows: PSS of every process of a running instance, sampled while it runs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import psutil

ENDS = 3
FILES = "files"
Sample = dict[str, float]


def sample(components: Mapping[str, Mapping[str, Any]], supervisor: int) -> Sample:
    """MB by process, its own pages. By themselves stand what PostgreSQL's processes share (`postgres shared`: it fills up to
    its setting) and `files`: programs and libraries, whose share of us depends on who else on the machine runs the same."""
    parts = {name: _rolled_up(_family(part["pid"])) for name, part in components.items() if part.get("pid")}
    parts["supervisor"] = _rolled_up([supervisor])
    out = {name: anon for name, (anon, _, _) in parts.items()}
    out[FILES] = sum(file for _, file, _ in parts.values())
    out["postgres shared"] = sum(shared for _, _, shared in parts.values())
    return {name: round(kilobytes / 1024, 1) for name, kilobytes in out.items()}


def _family(pid: int) -> list[int]:
    with contextlib.suppress(psutil.Error):
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    return []


def _rolled_up(pids: Sequence[int]) -> tuple[int, int, int]:
    """kB of anonymous pages, of files, of shared memory."""
    total = [0, 0, 0]
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
                for place, name in enumerate(("Pss_Anon:", "Pss_File:", "Pss_Shmem:")):
                    if line.startswith(name):
                        total[place] += int(line.split()[1])
    return total[0], total[1], total[2]


def watch(url: str, supervisor: int, samples: list[Sample], seconds: float, every_s: float) -> None:
    """Adds a sample each `every_s` for so long; a city that does not answer is left out."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        time.sleep(every_s)
        with contextlib.suppress(httpx.HTTPError, ValueError):
            status = httpx.get(f"{url}madang/v1/status", timeout=10, trust_env=False).json()
            samples.append(sample(status["components"], supervisor))


def growth(samples: Sequence[Sample]) -> dict[str, Any]:
    """`{"mb": {process: [at the start, at the half, at the end]}, "total_mb": [...], "last_half": share of growth of all
    but `files`}`. Each figure is the mean of `ENDS` samples."""
    middle = len(samples) // 2
    spans = [samples[:ENDS], samples[middle : middle + ENDS], samples[-ENDS:]]
    names = sorted({name for one in samples for name in one})
    parts = {name: [_mean(span, name) for span in spans] for name in names}
    total = [round(sum(figures), 1) for figures in zip(*parts.values(), strict=True)]
    own = [all_of_it - file for all_of_it, file in zip(total, parts.get(FILES, [0.0] * 3), strict=True)]
    return {"mb": parts, "total_mb": total, "last_half": round(own[2] / own[1] - 1, 4)}


def _mean(span: Sequence[Sample], name: str) -> float:
    return round(sum(one.get(name, 0.0) for one in span) / max(1, len(span)), 1)
