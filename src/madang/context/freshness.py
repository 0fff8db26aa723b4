"""Whether something in the database changed since it was read, by a sequence that grows with each change."""

from __future__ import annotations


class Freshness:
    """The sequence grows before the change it stands for can be seen, so what was read is read once more at the next look."""

    def __init__(self) -> None:
        self._read = -1
        self._settled = False

    def is_stale(self, change: int) -> bool:
        """Whether to read, now that the sequence is at `change`."""
        return change != self._read or not self._settled

    def read_at(self, change: int) -> None:
        """All was read after the sequence was seen at `change`."""
        self._settled = change == self._read
        self._read = change
