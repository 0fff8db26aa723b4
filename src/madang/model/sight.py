"""What somebody may see, or change, of entities: of each attribute a formula of the entities it is open in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from madang.model.entity import Entity
from madang.model.formula import (
    FALSE,
    TRUE,
    Formula,
    OfAttribute,
    OfType,
    about,
    atoms,
    either,
    every,
    given_type,
    holds,
    of_types,
)
from madang.model.render import Form

_KEPT = 1_024  # types, and forms, remembered of one sight


@dataclass(frozen=True)
class Opened:
    """Names of attributes: `names`, or with `rest` all but those."""

    names: frozenset[str]
    rest: bool = False

    def __contains__(self, name: object) -> bool:
        return (name in self.names) != self.rest

    @property
    def empty(self) -> bool:
        return not self.rest and not self.names

    @property
    def whole(self) -> bool:
        return self.rest and not self.names

    def of(self, entity: Entity) -> frozenset[str] | None:
        """Those of an entity, as a Form wants it: None for all that it has."""
        if not self.rest:
            return self.names
        return None if entity.body.keys().isdisjoint(self.names) else frozenset(entity.body) - self.names


@dataclass(frozen=True, eq=False)
class Filter:
    """Which entities are let through. Only equal to itself, so that rows can remember what it said of them."""

    formula: Formula

    def passes(self, entity: Entity) -> bool:
        return holds(self.formula, entity)


class Sight:
    """`other` says in which entities an attribute is open that `named` does not name."""

    def __init__(self, other: Formula, named: Mapping[str, Formula]) -> None:
        self.other = other
        self.named = {name: formula for name, formula in named.items() if formula != other}
        self._types: dict[tuple[str, ...], Sight] = {}
        self._forms: dict[tuple[Form, frozenset[str]], Form] = {}
        self._filters: dict[tuple[frozenset[str], tuple[str, ...]], Filter | None] = {}
        self.opened = self._opened()
        self.visible = either([other, *self.named.values()])
        """Of which entities some attribute is open, whether they have it or not."""

    def _opened(self) -> Opened | None:
        """The attributes, where they are the same in every entity."""
        if any(formula not in (TRUE, FALSE) for formula in (self.other, *self.named.values())):
            return None
        return Opened(frozenset(self.named), rest=self.other == TRUE)

    @property
    def whole(self) -> bool:
        """Whether nothing is hidden."""
        return self.opened is not None and self.opened.whole

    @property
    def blind(self) -> bool:
        return self.opened is not None and self.opened.empty

    @property
    def types(self) -> tuple[str, ...]:
        """The types that are spoken of."""
        found = {
            atom.name for one in (self.other, *self.named.values()) for atom in atoms(one) if isinstance(atom, OfType)
        }
        return tuple(sorted(found))

    def about(self, name: str) -> Formula:
        """In which entities that attribute is open."""
        return self.named.get(name, self.other)

    def of_types(self, types: Iterable[str]) -> Sight:
        """Of entities of exactly these types."""
        key = tuple(types)
        found = self._types.get(key)
        if found is None:
            named = {name: of_types(one, key) for name, one in self.named.items()}
            found = Sight(of_types(self.other, key), named)
            if len(self._types) >= _KEPT:
                self._types.clear()
            self._types[key] = found
        return found

    def of(self, entity: Entity) -> Opened:
        """What is open of one entity."""
        here = self.of_types(entity.types)
        if here.opened is not None:
            return here.opened
        rest = holds(here.other, entity)
        return Opened(frozenset(name for name, one in here.named.items() if holds(one, entity) != rest), rest)

    def sees(self, entity: Entity) -> bool:
        return not self.of(entity).empty

    def filter(self, asked: frozenset[str], types: tuple[str, ...]) -> Filter | None:
        """Lets the entities of one of these types through (none: of any) in which all the asked attributes are open; None when
        those are all. A type of which nothing is known is no reason to let an entity through, nor to keep it back."""
        key = (asked, types)
        if key not in self._filters:
            formula = every([self.visible, *map(self.about, sorted(asked))])
            needless = all(given_type(formula, name) == TRUE for name in types) if types else formula == TRUE
            if len(self._filters) >= _KEPT:
                self._filters.clear()
            self._filters[key] = None if needless else Filter(formula)
        return self._filters[key]

    def form(self, entity: Entity, form: Form) -> Form:
        """The form in which the entity is seen. The same for the same, since rows remember what was shown by form."""
        attrs = self.of(entity).of(entity)
        if attrs is None:
            return form
        found = self._forms.get((form, attrs))
        if found is None:
            both = attrs if form.attrs is None else attrs & form.attrs
            if len(self._forms) >= _KEPT:
                self._forms.clear()
            found = self._forms[form, attrs] = replace(form, attrs=both)
        return found


WHOLE, BLIND = Sight(TRUE, {}), Sight(FALSE, {})


def sight_of(allowed: Formula) -> Sight:
    """Of one formula that speaks of attributes, too."""
    names = {atom.name for atom in atoms(allowed) if isinstance(atom, OfAttribute)}
    return Sight(about(allowed, None), {name: about(allowed, name) for name in names})
