"""What somebody may see of the past, as a condition over `observation`. Pure.

A row is seen where its attribute is open in its entity. Where an entity lies, and whose it is, are looked up among the entities of now:
`find` gives the ids of which such a formula is true, so what is not there any more is nobody's and lies nowhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from madang.model.formula import Atom, Either, Every, Formula, Is, Not, OfType
from madang.model.sight import Sight

_NONE = "false"
Find = Callable[[Atom], Awaitable[list[str]]]


@dataclass
class Condition:
    """`sql` over `observation`; `ids` are the lists it names, as tables of one column `id`."""

    sql: str = "true"
    ids: dict[str, list[str]] = field(default_factory=dict)


async def condition_of(sight: Sight, find: Find) -> Condition:
    """Of everything that a sight opens."""
    made = Condition()
    if sight.whole:
        return made
    named = [(name, await _sql(formula, made, find)) for name, formula in sorted(sight.named.items())]
    other = await _sql(sight.other, made, find)
    made.sql = _by_attribute(named, other)
    return made


def _by_attribute(named: list[tuple[str, str]], other: str) -> str:
    if not named:
        return other
    if all(sql == _NONE for _, sql in named):  # the usual case, and much cheaper than a choice for each row
        shown = " AND ".join(f"attribute <> {quoted(name)}" for name, _ in named)
        return f"((attribute IS NULL OR ({shown})) AND {other})"
    cases = "".join(f" WHEN {quoted(name)} THEN {sql}" for name, sql in named)
    return f"CASE attribute{cases} ELSE {other} END"


async def _sql(formula: Formula, made: Condition, find: Find) -> str:
    if isinstance(formula, Every | Either):
        terms = [await _sql(term, made, find) for term in formula.terms]
        word, none = (" AND ", "true") if isinstance(formula, Every) else (" OR ", _NONE)
        return f"({word.join(terms)})" if terms else none
    if isinstance(formula, Not) and isinstance(formula.term, OfType):
        # As NOT of the below, but such that an entity of one type, nearly all of them, is done with a comparison.
        name = quoted(formula.term.name)
        return f"(type <> {name} AND (types IS NULL OR NOT list_contains(string_split(types, chr(31)), {name})))"
    if isinstance(formula, Not):
        return f"NOT {await _sql(formula.term, made, find)}"
    if isinstance(formula, OfType):
        name = quoted(formula.name)
        return f"(type = {name} OR (types IS NOT NULL AND list_contains(string_split(types, chr(31)), {name})))"
    if isinstance(formula, Is):
        return f"(entity_id = {quoted(formula.id)})"
    name = f"ids_{len(made.ids)}"
    made.ids[name] = await find(formula)
    return f"(entity_id IN (SELECT id FROM {name}))"


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def quoted_name(name: str) -> str:
    """A column's or table's."""
    return '"' + name.replace('"', '""') + '"'
