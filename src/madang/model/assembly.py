"""An entity put together from the pieces that several brokers hold (clauses 4.3.6, 4.5.5), pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from madang.model.context import Context
from madang.model.entity import META, Entity, parse_entity
from madang.model.merging import listed, packed
from madang.model.render import Stamps

PROXIED, EQUAL, AUXILIARY = 0, 1, 2
"""Ranks: a proxied source goes before all, an auxiliary one never overrides."""
RANKS = {"exclusive": PROXIED, "redirect": PROXIED, "inclusive": EQUAL, "auxiliary": AUXILIARY}
_ENCODE = msgspec.json.Encoder(order="deterministic").encode


@dataclass(frozen=True)
class Piece:
    """What one broker holds of an entity."""

    entity: Entity
    stamps: Stamps
    rank: int = EQUAL


def received(data: Any, context: Context, now: str, further: frozenset[str] = frozenset()) -> tuple[Entity, Stamps]:
    """An entity as another broker told it, with its times; `now` stands for those that it did not tell. `further` members of
    attributes that nobody may write are taken, too. Raises BadRequest."""
    entity = parse_entity(data, context)
    for name, told in data.items():
        if name in ("id", "type", "scope", "expiresAt", "@context", "createdAt", "modifiedAt"):
            continue
        instances = told if isinstance(told, list) else [told]
        held = listed(entity.body[context.expand(name)]) if context.expand(name) in entity.body else []
        if len(held) == len(instances):
            for instance, raw in zip(held, instances, strict=True):
                instance |= _times(raw) | _members(raw, further)
    times = _times(data)
    return entity, Stamps(times.get("createdAt", now), times.get("modifiedAt", now))


def _times(raw: Any) -> dict[str, str]:
    if not isinstance(raw, dict):
        return {}
    return {name: raw[name] for name in ("createdAt", "modifiedAt") if isinstance(raw.get(name), str)}


def _members(raw: Any, names: frozenset[str]) -> dict[str, Any]:
    return {name: raw[name] for name in names & raw.keys()} if isinstance(raw, dict) else {}


def limited(entity: Entity, names: Iterable[str]) -> Entity:
    """Without the attributes that were not registered; no `names` means all were."""
    kept = set(names)
    if not kept:
        return entity
    return Entity(entity.id, entity.types, {name: one for name, one in entity.body.items() if name in kept | META})


def assemble(pieces: list[Piece]) -> tuple[Entity, Stamps]:
    """One entity of at least one piece: every instance there is; of the same one that of the lower rank, then the newest.

    The order of the pieces does not matter but for what cannot be compared.
    """
    best: dict[str, dict[str | None, tuple[Any, Any]]] = {}
    for piece in pieces:
        for name, attribute in piece.entity.body.items():
            held = best.setdefault(name, {})
            for instance in _instances(name, attribute):
                key = None if name in META else instance.get("datasetId")
                weight = _weight(piece.rank, instance)
                if key not in held or weight > held[key][0]:
                    held[key] = (weight, instance)
    body: dict[str, Any] = {}
    for name, held in best.items():
        found = [instance for _, (_, instance) in sorted(held.items(), key=lambda item: item[0] or "")]
        body[name] = found[0] if name in META else packed(found)
    types = list(dict.fromkeys(name for piece in pieces for name in piece.entity.types))
    created = min(piece.stamps.created for piece in pieces)
    return Entity(pieces[0].entity.id, types, body), Stamps(created, max(piece.stamps.modified for piece in pieces))


def _instances(name: str, attribute: Any) -> list[Any]:
    return [attribute] if name in META else listed(attribute)


def _weight(rank: int, instance: Any) -> tuple[int, bool, str, str, bytes]:
    """What has been observed goes by that time, the rest by when it changed; the content decides what is left."""
    times = instance if isinstance(instance, dict) else {}
    observed, modified = times.get("observedAt", ""), times.get("modifiedAt", "")
    return (-rank, bool(observed), observed, modified, _ENCODE(instance))


def gathered(pieces: Iterable[Piece]) -> dict[str, list[Piece]]:
    """Pieces by the id of their entity."""
    out: dict[str, list[Piece]] = {}
    for piece in pieces:
        out.setdefault(piece.entity.id, []).append(piece)
    return out
