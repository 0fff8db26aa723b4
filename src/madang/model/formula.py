"""What may be said of an entity without looking at its values: its types, id, owner, where it lies, and one attribute's name.

Rules about entities are formulas of these. One formula has one meaning, told twice: here, and as SQL in `context/formula_sql.py`;
a property test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from madang.base.city import Box
from madang.model.entity import Entity
from madang.model.evaluate import satisfies, values_at
from madang.model.geometry import bounds
from madang.model.query import Compare, Path
from madang.model.render import geometry_of

Ring = tuple[tuple[float, float], ...]


@dataclass(frozen=True, eq=False)
class Area:
    """A named part of the city. `rings`: longitude and latitude of corners, each ring closed; what lies within an odd number of
    rings lies in the area, so holes and several parts need no other words."""

    name: str
    rings: tuple[Ring, ...]

    @cached_property
    def edges(self) -> list[tuple[float, float, float, float]]:
        """`x1, y1, x2, y2` of every side that is not a point."""
        return [(*one, *two) for ring in self.rings for one, two in pairwise(ring) if one != two]

    @cached_property
    def box(self) -> Box:
        xs, ys = [x for ring in self.rings for x, _ in ring], [y for ring in self.rings for _, y in ring]
        return min(xs), min(ys), max(xs), max(ys)

    def holds(self, place: Box) -> bool:
        """Whether the middle of a box lies within: the same sums as the SQL, so that both agree to the last bit."""
        x, y = (place[2] + place[0]) / 2.0, (place[3] + place[1]) / 2.0
        sides = [(x2 - x1) * (y - y1) / (y2 - y1) + x1 for x1, y1, x2, y2 in self.edges if (y1 > y) != (y2 > y)]
        return sum(x < side for side in sides) % 2 == 1


@dataclass(frozen=True)
class OfType:
    name: str


@dataclass(frozen=True)
class OfAttribute:
    """What is asked is about the attribute of that name."""

    name: str


@dataclass(frozen=True)
class Within:
    """The middle of the bounding box of its `location` lies in the area; what has none lies in no area."""

    area: Area


@dataclass(frozen=True)
class OwnedBy:
    """Its attribute `owner` names that principal, as the Smart Data Models have it."""

    name: str

    @property
    def test(self) -> Compare:
        return Compare(Path(("owner",)), "==", (self.name,))


@dataclass(frozen=True)
class Is:
    id: str


@dataclass(frozen=True)
class Not:
    term: Formula


@dataclass(frozen=True)
class Every:
    terms: tuple[Formula, ...]


@dataclass(frozen=True)
class Either:
    terms: tuple[Formula, ...]


Atom = OfType | OfAttribute | Within | OwnedBy | Is
Formula = Atom | Not | Every | Either
TRUE, FALSE = Every(()), Either(())


def every(terms: Iterable[Formula]) -> Formula:
    """All of them, as short as it can be said."""
    kept: dict[Formula, None] = {}
    for term in terms:
        kept |= dict.fromkeys(term.terms if isinstance(term, Every) else (term,))
    if FALSE in kept:
        return FALSE
    return next(iter(kept)) if len(kept) == 1 else Every(tuple(kept))


def either(terms: Iterable[Formula]) -> Formula:
    """One of them, as short as it can be said."""
    kept: dict[Formula, None] = {}
    for term in terms:
        kept |= dict.fromkeys(term.terms if isinstance(term, Either) else (term,))
    if TRUE in kept:
        return TRUE
    return next(iter(kept)) if len(kept) == 1 else Either(tuple(kept))


def negated(term: Formula) -> Formula:
    if isinstance(term, Not):
        return term.term
    return FALSE if term == TRUE else TRUE if term == FALSE else Not(term)


def replaced(formula: Formula, known: Callable[[Atom], Formula]) -> Formula:
    """With each atom as `known` has it."""
    if isinstance(formula, Every):
        return every(replaced(term, known) for term in formula.terms)
    if isinstance(formula, Either):
        return either(replaced(term, known) for term in formula.terms)
    if isinstance(formula, Not):
        return negated(replaced(formula.term, known))
    return known(formula)


def about(formula: Formula, attribute: str | None) -> Formula:
    """What it says of one attribute; None is any that no formula names."""

    def known(atom: Atom) -> Formula:
        return (TRUE if atom.name == attribute else FALSE) if isinstance(atom, OfAttribute) else atom

    return replaced(formula, known)


def of_types(formula: Formula, types: Iterable[str]) -> Formula:
    """What it says of entities of exactly these types."""
    names = frozenset(types)

    def known(atom: Atom) -> Formula:
        return (TRUE if atom.name in names else FALSE) if isinstance(atom, OfType) else atom

    return replaced(formula, known)


def given_type(formula: Formula, name: str) -> Formula:
    """What it says of entities that are of that type, and perhaps of others, too."""
    return replaced(formula, lambda atom: TRUE if atom == OfType(name) else atom)


def holds(formula: Formula, entity: Entity) -> bool:
    """Whether it is true of an entity."""
    return replaced(formula, lambda atom: TRUE if _true(atom, entity) else FALSE) == TRUE


def owners_of(entity: Entity) -> set[str]:
    """Whom its attribute `owner` names."""
    values = [
        value
        for found in values_at(entity.body, Path(("owner",)))
        for value in (found if isinstance(found, list) else [found])
    ]
    plain = (value["@value"] if isinstance(value, dict) and "@value" in value else value for value in values)
    return {value for value in plain if isinstance(value, str)}


def _true(atom: Atom, entity: Entity) -> bool:
    if isinstance(atom, OfType):
        return atom.name in entity.types
    if isinstance(atom, Within):
        place = bounds(geometry_of(entity))
        return place is not None and atom.area.holds(place)
    if isinstance(atom, OwnedBy):
        return satisfies(entity.body, atom.test)
    return isinstance(atom, Is) and atom.id == entity.id


def atoms(formula: Formula) -> Iterator[Atom]:
    """Every atom in it."""
    if isinstance(formula, Every | Either):
        for term in formula.terms:
            yield from atoms(term)
    elif isinstance(formula, Not):
        yield from atoms(formula.term)
    else:
        yield formula
