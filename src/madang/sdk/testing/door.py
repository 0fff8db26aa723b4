"""The door of a test's city: it lets an app do what its manifest asks for, and keeps what it did."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from madang.sdk.door import LAKE_ROWS, DoorError
from madang.sdk.http import Answer
from madang.sdk.testing.where import compile_where

Json = dict[str, Any]


@dataclass(frozen=True)
class Granted:
    """What a manifest asks for; with no manifest everything. By action, then type or kind: the attributes (None: all)."""

    scopes: Mapping[str, Mapping[str, frozenset[str] | None]] | None = None
    people: frozenset[tuple[str, str]] | None = None
    egress: frozenset[str] | None = None

    def of(self, action: str, name: str) -> frozenset[str] | None:
        """The attributes that are open. Raises DoorError as the kernel does."""
        if self.scopes is None:
            return None
        if name not in self.scopes.get(action, {}):
            raise DoorError(403, {"title": "Not granted", "detail": f"app.toml asks for no {action} of {name}"})
        return self.scopes[action][name]

    def shown(self, entity: Json) -> Json:
        """The entity as the app may see it. Raises DoorError."""
        attributes = self.of("read", str(entity.get("type")))
        if attributes is None:
            return dict(entity)
        return {name: value for name, value in entity.items() if name in attributes | {"id", "type"}}

    def may_read(self, name: str) -> bool:
        return self.scopes is None or name in self.scopes.get("read", {})

    def place(self, url: str) -> None:
        """Raises DoorError for an address that is not among `egress`."""
        parts = urlsplit(url)
        place = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
        if self.egress is not None and place not in self.egress:
            raise DoorError(403, {"title": "Not granted", "detail": f"app.toml names no {place} under egress"})

    def person(self, kind: str, purpose: str) -> None:
        """Raises DoorError."""
        if self.people is not None and (kind, purpose) not in self.people:
            raise DoorError(403, {"title": "Not granted", "detail": f"app.toml asks nobody for {kind} for {purpose}"})


def granted_of(folder: Path) -> Granted:
    """Of its app.toml. Raises OSError, ValueError."""
    manifest = tomllib.loads((folder / "app.toml").read_text(encoding="utf-8"))
    scopes: dict[str, dict[str, frozenset[str] | None]] = {}
    for scope in manifest.get("scopes", ()):
        name = scope.get("type") or scope.get("kind")
        attributes = frozenset(scope["attributes"]) if "attributes" in scope else None
        scopes.setdefault(scope["action"], {})[name] = attributes
    people = frozenset((one["kind"], one["purpose"]) for one in manifest.get("people", ()))
    return Granted(scopes, people, frozenset(manifest.get("egress", ())))


@dataclass
class FakeDoor:
    """As `madang.sdk.door.Door`; `write` and `remove` are the city's, `past` answers questions about all that was.
    `persons_shown`: `{kind: [{"pseudonym", "items"}]}`."""

    granted: Granted
    entities: dict[str, Json]
    write: Callable[[Json], None]
    remove: Callable[[str], None]
    about: Json
    commanded: list[Json] = field(default_factory=list)
    answer: Callable[[Json], Json] = lambda intent: {"status": "accepted"}
    past: Callable[[str], list[Json]] = lambda query: []
    persons_shown: dict[str, list[Json]] = field(default_factory=dict)
    erasures_due: list[Json] = field(default_factory=list)
    erasure_receipts: list[Json] = field(default_factory=list)

    async def get(self, entity_id: str) -> Json:
        if entity_id not in self.entities:
            raise DoorError(404, {"title": "Resource not found", "detail": f"no entity {entity_id}"})
        return self.granted.shown(self.entities[entity_id])

    async def query(self, type: str, q: str = "", attrs: str = "", limit: int = 1000) -> list[Json]:
        self.granted.of("read", type)
        test, names = compile_where(q), set(filter(None, attrs.split(",")))
        found = [one for one in self.entities.values() if one["type"] == type and test(one)]
        shown = [self.granted.shown(one) for one in sorted(found, key=lambda one: str(one["id"]))]
        return [{k: v for k, v in one.items() if not names or k in names | {"id", "type"}} for one in shown]

    async def upsert(self, entities: Sequence[Json]) -> None:
        for entity in entities:
            attributes = self.granted.of("write", str(entity["type"]))
            hidden = set(entity) - {"id", "type"} - (attributes if attributes is not None else set(entity))
            if hidden:
                raise DoorError(
                    403, {"title": "Not granted", "detail": f"app.toml asks for no write of {sorted(hidden)}"}
                )
        for entity in entities:
            self.write(entity)

    async def delete(self, entity_id: str) -> None:
        self.granted.of("write", str((await self.get(entity_id))["type"]))
        self.remove(entity_id)

    async def sql(self, query: str, rows: int = LAKE_ROWS) -> list[Json]:
        return self.past(query)[:rows]

    async def city(self) -> Json:
        return self.about

    async def command(self, intent: Mapping[str, Any]) -> Json:
        self.granted.of("command", str(intent["kind"]))
        self.commanded.append(dict(intent))
        return {"id": f"command-{len(self.commanded)}", **intent, **self.answer(dict(intent))}

    async def commands(self, intents: Sequence[Mapping[str, Any]]) -> list[Json]:
        return [await self.command(intent) for intent in intents]

    async def persons(self, kind: str, purpose: str, limit: int = 100) -> list[Json]:
        self.granted.person(kind, purpose)
        return self.persons_shown.get(kind, [])

    async def person(self, pseudonym: str, kind: str, purpose: str) -> Json:
        for one in await self.persons(kind, purpose):
            if one["pseudonym"] == pseudonym:
                return one
        raise DoorError(404, {"title": "Resource not found", "detail": "nobody of that name shows it"})

    async def erasures(self) -> list[Json]:
        done = {one["id"] for one in self.erasure_receipts}
        return [one for one in self.erasures_due if one["id"] not in done]

    async def erased(self, erasure_id: str, count: int, note: str = "") -> None:
        self.erasure_receipts.append({"id": erasure_id, "erased": count, "note": note})

    async def close(self) -> None:
        return None


@dataclass
class FakeOutside:
    """What is asked of the world outside, and what it answers."""

    granted: Granted
    asked: list[Json] = field(default_factory=list)
    answer: Callable[[Json], Answer] = lambda asked: Answer(200, b"")

    async def fetch(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        self.granted.place(url)
        asked = {"method": method, "url": url, "body": body, "headers": dict(headers)}
        self.asked.append(asked)
        return self.answer(asked)
