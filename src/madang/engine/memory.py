"""How much memory processes take."""

from __future__ import annotations

import contextlib

import psutil


def rss_mb(pids: list[int]) -> float:
    """Memory of the processes and their children in MB, pages that PostgreSQL's processes share counted once (PSS)."""
    total = 0
    seen: set[int] = set()
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(pid)
            for process in [root, *root.children(recursive=True)]:
                if process.pid not in seen:
                    seen.add(process.pid)
                    total += _pss_bytes(process)
    return total / 1e6


def _pss_bytes(process: psutil.Process) -> int:
    try:
        return int(getattr(process.memory_full_info(), "pss", 0) or process.memory_info().rss)
    except psutil.Error:
        return 0
