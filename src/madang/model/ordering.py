"""`orderBy`: by what entities are ordered (clause 4.23), pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shapely.geometry.base import BaseGeometry

from madang.base.errors import BadRequest, TooComplexQuery
from madang.model.context import Context
from madang.model.query import Path, parse_path

MAX_TERMS = 8
DIRECTIONS = frozenset({"asc", "desc", "dist-asc", "dist-desc"})
_COLLATION = re.compile(r"[A-Za-z0-9-]{1,60}")


@dataclass(frozen=True)
class Term:
    """A path below the entity (`id`, `type`, `createdAt` stand for themselves) and its direction."""

    path: Path
    descending: bool = False


@dataclass(frozen=True)
class Distance:
    """From a reference geometry to a GeoProperty."""

    attribute: str
    reference: BaseGeometry
    farthest_first: bool = False


@dataclass(frozen=True)
class Ordering:
    """Terms in their order, or a distance alone; `collation` is an ICU name, None for a language-agnostic order."""

    terms: tuple[Term, ...] = ()
    collation: str | None = None
    distance: Distance | None = None


def parse_ordering(text: str, context: Context, collation: str | None, origin: BaseGeometry | None) -> Ordering:
    """`origin` is what distances count from. Raises BadRequest, TooComplexQuery."""
    if collation is not None and not _COLLATION.fullmatch(collation):
        raise BadRequest("collation must be an ICU collation, such as de-u-co-phonebk")
    parts = [_term(part, context) for part in text.split(",")]
    far = [(path, direction) for path, direction in parts if direction.startswith("dist-")]
    if len(parts) > MAX_TERMS or (far and len(parts) > 1):
        raise TooComplexQuery(f"orderBy takes {MAX_TERMS} terms, or one distance")
    if not far:
        return Ordering(tuple(Term(path, direction == "desc") for path, direction in parts), collation)
    if origin is None:
        raise BadRequest("orderBy: a distance needs orderFrom")
    path, direction = far[0]
    return Ordering(distance=Distance(path.names[0], origin, direction == "dist-desc"))


def _term(part: str, context: Context) -> tuple[Path, str]:
    name, sign, direction = part.partition(";")
    if sign and direction not in DIRECTIONS:
        raise BadRequest(f"orderBy: {direction[:20]!r} is none of {', '.join(sorted(DIRECTIONS))}")
    if name in ("id", "type"):
        return Path((name,)), direction
    return parse_path(name, context, "orderBy"), direction
