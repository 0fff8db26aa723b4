"""A write shared out among this broker and the sources that registered parts of the entity (clauses 4.3.6, 5.6), pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from madang.model.entity import META
from madang.model.registration import Registration
from madang.model.sources import concerns, covered


@dataclass(frozen=True)
class Share:
    """Which attributes of the entity a source is given."""

    registration: Registration
    names: frozenset[str]


@dataclass(frozen=True)
class Split:
    """`local` None: nothing of it is this broker's affair. `refused`: parts whose only holder does not take this operation."""

    local: frozenset[str] | None
    shares: tuple[Share, ...] = ()
    refused: tuple[Share, ...] = ()

    @property
    def is_local(self) -> bool:
        return not self.shares and not self.refused


def split(
    entity_id: str, types: Iterable[str], names: Iterable[str], registrations: Iterable[Registration], operation: str
) -> Split:
    """What is exclusive goes there alone, what is redirected to all who hold it; the rest stays, and inclusive sources get
    a copy of it. Auxiliary sources are never written to."""
    types, whole, known = tuple(types), frozenset(names) - META, list(registrations)
    rest, shares, refused = whole, [], []
    for mode in ("exclusive", "redirect", "inclusive"):
        taken: frozenset[str] = frozenset()
        for one in known:
            share = _share(one, entity_id, types, rest, whole) if one.mode == mode else None
            if share is None:
                continue
            if one.supports(operation):
                shares.append(share)
            elif one.is_proxied:
                refused.append(share)
            taken |= share.names if one.is_proxied else frozenset()
        rest -= taken
    proxied = any(share.registration.is_proxied for share in (*shares, *refused))
    return Split(None if proxied and not rest else rest, tuple(shares), tuple(refused))


def _share(
    one: Registration, entity_id: str, types: tuple[str, ...], rest: frozenset[str], whole: frozenset[str]
) -> Share | None:
    if not whole:
        return Share(one, frozenset()) if concerns(one, entity_id, types) else None
    names = frozenset(covered(one, entity_id, types, rest))
    return Share(one, names) if names else None


def split_whole(entity_id: str, types: Iterable[str], registrations: Iterable[Registration], operation: str) -> Split:
    """Of a delete: all who may hold something of the entity, and this broker (clause 5.6.6)."""
    types = tuple(types)
    about = [one for one in registrations if one.mode != "auxiliary" and concerns(one, entity_id, types)]
    shares = tuple(Share(one, frozenset()) for one in about if one.supports(operation))
    refused = tuple(Share(one, frozenset()) for one in about if one.is_proxied and not one.supports(operation))
    return Split(frozenset(), shares, refused)
