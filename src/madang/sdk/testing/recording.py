"""A recorded day: what was at its beginning, and every change after, as lines of JSON (gzip where the name ends in .gz).

The first line is `{"madang": "recording", "version": 1, "city", "timezone", "begin", "types"}`, then `{"entity"}` for what was there and
`{"at", "op", "entity"}` for each change, `at` in the city's time. Entities are in concise form."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

Json = dict[str, Any]
HEAD = {"madang": "recording", "version": 1}


@dataclass(frozen=True)
class Recording:
    """`begin`: the city's time when it began (ISO text)."""

    city: str
    timezone: str
    begin: str
    types: tuple[str, ...]
    entities: list[Json] = field(default_factory=list)
    changes: list[Json] = field(default_factory=list)


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[IO[str]]:
    opened: Any = gzip.open if path.suffix == ".gz" else open
    with opened(path, mode + "t", encoding="utf-8") as file:
        yield file


def read_recording(path: Path) -> Recording:
    """Raises ValueError for what is no recording, OSError."""
    with _opened(path, "r") as file:
        head, *lines = [json.loads(line) for line in file if line.strip()]
    if not isinstance(head, dict) or {name: head.get(name) for name in HEAD} != HEAD:
        raise ValueError(f"{path.name} is no recording of version 1")
    entities = [line["entity"] for line in lines if "op" not in line]
    changes = [line for line in lines if "op" in line]
    return Recording(head["city"], head["timezone"], head["begin"], tuple(head["types"]), entities, changes)


def head_of(recording: Recording) -> Json:
    return HEAD | {
        "city": recording.city,
        "timezone": recording.timezone,
        "begin": recording.begin,
        "types": list(recording.types),
    }


def write_recording(path: Path, recording: Recording) -> None:
    """Raises OSError."""
    lines: Iterable[Json] = (head_of(recording), *({"entity": one} for one in recording.entities), *recording.changes)
    with _opened(path, "w") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
