"""Which registrations a request may concern, found without asking each of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from madang.model.context import CORE, Context
from madang.model.registration import Registration
from madang.model.sources import Spec, matches


@dataclass(frozen=True, slots=True)
class Known:
    """A registration, as it was written in `context`, and its further members as a query sees them; `version` is when it
    was written."""

    registration: Registration
    data: dict[str, Any] = field(hash=False, compare=False)
    properties: dict[str, Any] = field(hash=False, compare=False)
    context: Context = field(default=CORE, hash=False, compare=False)
    version: datetime | None = None


class Index:
    """Registrations by the ids and the types of the entities they speak of."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}
        self._keys: dict[str, set[str]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def get(self, identifier: str) -> Known | None:
        return self._known.get(identifier)

    def all(self) -> Iterable[Known]:
        """In the order of their ids."""
        return [self._known[name] for name in sorted(self._known)]

    def put(self, known: Known) -> None:
        self.drop(known.registration.id)
        self._known[known.registration.id] = known
        for key in _keys(known.registration):
            self._keys.setdefault(key, set()).add(known.registration.id)

    def drop(self, identifier: str) -> None:
        old = self._known.pop(identifier, None)
        for key in _keys(old.registration) if old is not None else ():
            held = self._keys[key]
            held.discard(identifier)
            if not held:
                del self._keys[key]

    def find(self, spec: Spec, now: str) -> list[Known]:
        """Those that match (clause 5.12) and are not over at `now`, in the order of their ids."""
        return [
            known
            for known in map(self._known.__getitem__, sorted(self._candidates(spec)))
            if matches(known.registration, spec) and not is_over(known.registration, now)
        ]

    def _candidates(self, spec: Spec) -> Iterable[str]:
        if not spec.ids and not spec.types:
            return self._known
        kinds = [f"open {name}" for name in spec.types] if spec.types else ["open"]
        keys = [*(f"id {name}" for name in spec.ids), *kinds] if spec.ids else [f"type {name}" for name in spec.types]
        return set().union(*(self._keys.get(key, ()) for key in [*keys, "any"]))


def is_over(registration: Registration, now: str) -> bool:
    return registration.expires_at is not None and registration.expires_at <= now


def _keys(registration: Registration) -> set[str]:
    keys: set[str] = set()
    for one in registration.information:
        if not one.entities:
            keys.add("any")
        for info in one.entities:
            keys |= {f"type {name}" for name in info.types}
            keys |= {f"id {info.id}"} if info.id else {"open", *(f"open {name}" for name in info.types)}
    return keys
