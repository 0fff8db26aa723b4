"""Which scorer judges which kind of app."""

from __future__ import annotations

from importlib.metadata import entry_points

from madang.base.errors import NotFound
from madang.store.testbed.alarms import Alarms
from madang.store.testbed.arms import Scorer
from madang.store.testbed.traffic import Traffic

GROUP = "madang.scorers"


def find_scorer(kind: str) -> Scorer:
    """Ours, or one that is installed beside Madang. Raises NotFound."""
    ours: dict[str, Scorer] = {"traffic": Traffic(), "alarms": Alarms()}
    if kind in ours:
        return ours[kind]
    for point in entry_points(group=GROUP, name=kind):
        found = point.load()
        scorer: Scorer = found() if isinstance(found, type) else found
        return scorer
    raise NotFound(f"no scorer for apps of the kind {kind!r}; there are {', '.join(ours)}")
