"""Which part of a request a registration is about (clauses 5.12, 4.3.6), pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from madang.model.registration import EntityInfo, Information, Registration


@dataclass(frozen=True)
class Spec:
    """What a request asks for; an empty tuple means any. Names are internal; `types` means any of them."""

    ids: tuple[str, ...] = ()
    id_pattern: str | None = None
    types: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def narrowed(registration: Registration, spec: Spec) -> list[Spec]:
    """What the source may be asked of a request: never more than it registered (clause 4.3.6.1); empty when nothing fits."""
    out = [part for one in registration.information for part in _of_information(one, spec)]
    return list(dict.fromkeys(out))


def partner(one: Registration) -> tuple[Any, ...]:
    """Who is asked, and how: what registrations with the same partner are asked may be asked at once."""
    named = (one.endpoint, one.tenant, one.headers, one.context_url, one.mode, one.operations)
    return (*named, one.local_only, one.timeout_s, one.cooldown_s)


def joined(parts: Iterable[tuple[Registration, Spec]], most: int) -> list[tuple[Registration, Spec]]:
    """The same with fewer requests: what differs in ids alone is asked of a partner together, up to `most` ids at once."""
    groups: dict[Any, tuple[Registration, Spec, dict[str, None]]] = {}
    for one, part in parts:
        key = (partner(one), bool(part.ids), replace(part, ids=()))
        groups.setdefault(key, (one, part, {}))[2].update(dict.fromkeys(part.ids))
    out = []
    for one, part, found in groups.values():
        ids = tuple(found)
        out += [(one, replace(part, ids=ids[at : at + most])) for at in range(0, max(len(ids), 1), most)]
    return out


def matches(registration: Registration, spec: Spec) -> bool:
    """Clause 5.12."""
    return bool(narrowed(registration, spec))


def matching_information(registration: Registration, spec: Spec) -> list[int]:
    """Positions of the elements of `information` that match."""
    return [at for at, one in enumerate(registration.information) if _of_information(one, spec)]


def _of_information(one: Information, spec: Spec) -> list[Spec]:
    names = tuple(name for name in spec.names if name in one.names) if one.names and spec.names else spec.names
    if one.names and spec.names and not names:
        return []
    names = names or tuple(sorted(one.names))
    if not one.entities:
        return [Spec(spec.ids, spec.id_pattern, spec.types, names)]
    parts = (_of_entities(info, spec) for info in one.entities)
    return [Spec(part.ids, part.id_pattern, part.types, names) for part in parts if part is not None]


def _of_entities(info: EntityInfo, spec: Spec) -> Spec | None:
    types = tuple(name for name in spec.types if name in info.types) if spec.types else info.types
    if not types:
        return None
    if info.id is not None:
        wanted = not spec.ids or info.id in spec.ids
        fits = spec.id_pattern is None or re.search(spec.id_pattern, info.id) is not None
        return Spec((info.id,), None, types) if wanted and fits else None
    if info.id_pattern is None:
        return Spec(spec.ids, spec.id_pattern, types)
    pattern = info.id_pattern
    ids = tuple(name for name in spec.ids if re.search(pattern, name))
    if spec.ids and not ids:
        return None
    # Whether an id can match two patterns is not easily told (clause 5.12): the source gets its own.
    return Spec(ids, None if ids else pattern, types)


def covered(registration: Registration, entity_id: str, types: Iterable[str], names: Iterable[str]) -> set[str]:
    """Those of an entity's attributes that the source registered; without types any may be meant."""
    names = set(names)
    found: set[str] = set()
    for one in registration.information:
        about = not one.entities or any(_about(info, entity_id, tuple(types)) for info in one.entities)
        if about:
            found |= names & one.names if one.names else names
    return found


def concerns(registration: Registration, entity_id: str, types: Iterable[str]) -> bool:
    """Whether anything of the entity may be there."""
    known = tuple(types)
    return any(
        not one.entities or any(_about(info, entity_id, known) for info in one.entities)
        for one in registration.information
    )


def _about(info: EntityInfo, entity_id: str, types: tuple[str, ...]) -> bool:
    return _of_entities(info, Spec(ids=(entity_id,), types=types)) is not None


def admits(registration: Registration, kind: str | None, name: str | None) -> bool:
    """Whether an attribute of a type may be there; None: any."""
    return any(
        (kind is None or not one.entities or any(kind in info.types for info in one.entities))
        and (name is None or not one.names or name in one.names)
        for one in registration.information
    )


def conflict(one: Registration, other: Registration) -> bool:
    """Whether two proxied registrations hold the same attribute of the same entity, which an exclusive one does not allow
    (clause 4.3.6.3)."""
    if "exclusive" not in (one.mode, other.mode) or not (one.is_proxied and other.is_proxied):
        return False
    return any(_overlaps(first, second) for first in one.information for second in other.information)


def _overlaps(one: Information, other: Information) -> bool:
    if one.names and other.names and one.names.isdisjoint(other.names):
        return False
    if not one.entities or not other.entities:
        return True
    return any(_same(first, second) for first in one.entities for second in other.entities)


def _same(one: EntityInfo, other: EntityInfo) -> bool:
    if not set(one.types) & set(other.types):
        return False
    if one.id is not None and other.id is not None:
        return one.id == other.id
    if one.id is not None or other.id is not None:
        known, open_ = (one, other) if one.id is not None else (other, one)
        return open_.id_pattern is None or re.search(open_.id_pattern, known.id or "") is not None
    return one.id_pattern == other.id_pattern or None in (one.id_pattern, other.id_pattern)
