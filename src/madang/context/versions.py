"""Which keys changed, told between the processes of one machine: a file of counters that all of them map.

A key (an entity, or the membership of a type) has one counter, shared with other keys of the same hash. A writer makes it odd
before it commits and gives it a new even value after; when the writer dies in between, or nobody knows how its commit ended, it
stays odd. Whoever keeps a copy keeps the counter it read *before* reading the database: the copy is what the database holds
as long as the counter is even and has not moved. So a false alarm costs a read, and a copy is never staler than an answered write.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

SLOTS = 1 << 18
_BYTES = SLOTS * 8
Begun = dict[int, int]


class Versions:
    """The counters in the file at `path`, or in this process's memory alone when no other writes the same database."""

    def __init__(self, path: Path | None = None) -> None:
        self._file = None if path is None else os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if self._file is not None:
            self._allocate(self._file)
        self._counters = memoryview(mmap.mmap(-1 if self._file is None else self._file, _BYTES)).cast("Q")

    @staticmethod
    def _allocate(file: int) -> None:
        """A hole in the file would kill its writer when the disk is full. Raises OSError when there is no room."""
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            if os.fstat(file).st_size < _BYTES:
                os.pwrite(file, bytes(_BYTES), 0)
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)

    def of(self, key: str) -> int:
        """The key's counter; odd while a write of it is going on."""
        return self._counters[crc32(key.encode()) % SLOTS]

    def begin(self, keys: Iterable[str]) -> Begun:
        """Says that these keys are about to change. Answers what `finish` wants."""
        counters, begun = self._counters, {}
        with self._alone():
            for key in keys:
                slot = crc32(key.encode()) % SLOTS
                begun[slot] = counters[slot] = counters[slot] | 1
        return begun

    def finish(self, begun: Begun) -> bool:
        """Says that they have changed, and are at rest. Answers whether nobody else finished one of them meanwhile: only then
        is what was written what is true."""
        counters, alone = self._counters, True
        with self._alone():
            for slot, left_at in begun.items():
                alone = alone and counters[slot] == left_at
                counters[slot] = (counters[slot] | 1) + 1
        return alone

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Reading and writing a counter is one step for other processes. A process that dies lets go."""
        if self._file is None:
            yield
            return
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)
