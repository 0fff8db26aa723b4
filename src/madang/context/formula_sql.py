"""Formulas of `model.formula` as SQL conditions over `entity`, never NULL; values only ever as parameters."""

from __future__ import annotations

from madang.context.sql import Parameters, box_sql, condition, types_condition
from madang.model.formula import Area, Atom, Either, Every, Formula, Is, Not, OfType, OwnedBy, Within

# Sums and comparisons of IEEE 754 doubles in the order of `Area.holds`: both sides of the law round alike.
_INSIDE = """
(place IS NOT NULL AND place && {box} AND (
  SELECT count(*) % 2 = 1 FROM unnest({x1}::float8[], {y1}::float8[], {x2}::float8[], {y2}::float8[]) AS side(x1, y1, x2, y2)
  WHERE CASE WHEN (y1 > (@@ place)[1]) <> (y2 > (@@ place)[1])
        THEN (@@ place)[0] < (x2 - x1) * ((@@ place)[1] - y1) / (y2 - y1) + x1 ELSE false END))
"""


def formula_condition(formula: Formula, parameters: Parameters) -> str:
    """The condition that exactly the entities meet of which the formula is true. Raises TypeError for one that speaks of
    attributes."""
    if isinstance(formula, Every):
        return (
            "(" + " AND ".join(formula_condition(term, parameters) for term in formula.terms) + ")"
            if formula.terms
            else "true"
        )
    if isinstance(formula, Not):
        return f"NOT {formula_condition(formula.term, parameters)}"
    if isinstance(formula, Either):
        types = tuple(term.name for term in formula.terms if isinstance(term, OfType))
        rest = [formula_condition(term, parameters) for term in formula.terms if not isinstance(term, OfType)]
        terms = [*([types_condition(types, parameters)] if types else []), *rest]
        return "(" + " OR ".join(terms) + ")" if terms else "false"
    return _atom(formula, parameters)


def _atom(atom: Atom, parameters: Parameters) -> str:
    if isinstance(atom, OfType):
        return types_condition((atom.name,), parameters)
    if isinstance(atom, Within):
        return _within(atom.area, parameters)
    if isinstance(atom, OwnedBy):
        return f"coalesce({condition(atom.test, parameters)}, false)"
    if isinstance(atom, Is):
        return f"(id = {parameters.add(atom.id)})"
    raise TypeError(f"an entity cannot be found by {atom}")


def _within(area: Area, parameters: Parameters) -> str:
    columns = [parameters.add([side[at] for side in area.edges]) for at in range(4)]
    x1, y1, x2, y2 = columns
    return _INSIDE.format(box=box_sql(area.box, parameters), x1=x1, y1=y1, x2=x2, y2=y2)
