"""What is left of a policy when all but the entity is known, as a formula of `model.formula` (Cedar's partial evaluation). Pure.

A policy may ask of an entity: whether it is `in` a Type, Group, Attribute, Field or Area, whether it is that very one, and whom
its `owner` contains. What else it asks cannot become a filter: `check_policy` refuses it when the set is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from madang.model.formula import (
    FALSE,
    TRUE,
    Area,
    Formula,
    Is,
    OfAttribute,
    OfType,
    OwnedBy,
    Within,
    either,
    every,
    negated,
)

Json = Any
_EQUALS = ("==", "!=")


class Unfit(ValueError):
    """A condition that is no filter."""


class Reader:
    """Reads residuals about entities of one tenant."""

    def __init__(self, tenant: str, groups: Mapping[str, Sequence[str]], areas: Mapping[str, Area]) -> None:
        self._tenant, self._groups, self._areas = tenant, groups, areas

    def policy(self, residual: Json) -> Formula:
        """Of which entities and attributes the policy speaks. Raises Unfit."""
        terms = []
        for clause in residual["conditions"]:
            found = self._read(clause["body"])
            terms.append(found if clause["kind"] == "when" else negated(found))
        return every(terms)

    def _read(self, expression: Json) -> Formula:
        ((operator, inner),) = expression.items()
        if operator == "Value" and isinstance(inner, bool):
            return TRUE if inner else FALSE
        if operator == "&&":
            return every([self._read(inner["left"]), self._read(inner["right"])])
        if operator == "||":
            return either([self._read(inner["left"]), self._read(inner["right"])])
        if operator == "!":
            return negated(self._read(inner["arg"]))
        if operator == "if-then-else":
            asked = self._read(inner["if"])
            return either(
                [every([asked, self._read(inner["then"])]), every([negated(asked), self._read(inner["else"])])]
            )
        return self._leaf(operator, inner)

    def _leaf(self, operator: str, inner: Json) -> Formula:
        if operator == "is" and _is_resource(inner["left"]):
            within = inner.get("in")
            kind = TRUE if inner["entity_type"] == "Entity" else FALSE
            return kind if within is None else every([kind, either(self._in(one) for one in _entities(within))])
        if operator == "in" and _is_resource(inner["left"]):
            return either(self._in(one) for one in _entities(inner["right"]))
        if operator in _EQUALS:
            found = self._equal(inner["left"], inner["right"])
            return found if operator == "==" else negated(found)
        if operator == "contains" and _is_resource(inner["right"]):
            return either(_is(one) for one in _entities(inner["left"]))
        if operator in ("contains", "containsAny") and _member(inner["left"]) == "owner":
            return either(OwnedBy(name) for name in _texts(inner["right"]))
        raise Unfit(f"a filter cannot say {operator!r} of the resource like that")

    def _equal(self, left: Json, right: Json) -> Formula:
        if _is_resource(right) or _member(right):
            left, right = right, left
        if _is_resource(left):
            return either(_is(one) for one in _entities(right))
        if _member(left) == "tenant" and isinstance(right.get("Value"), str):
            return TRUE if right["Value"] == self._tenant else FALSE
        raise Unfit("a filter compares the resource, or its tenant, with a value")

    def _in(self, entity: Json) -> Formula:
        kind, name = entity["type"], entity["id"]
        if kind == "Type":
            return OfType(name)
        if kind == "Group":
            return either(OfType(one) for one in self._groups.get(name, ()))
        if kind == "Attribute":
            return OfAttribute(name)
        if kind == "Field":
            of, _, attribute = name.partition(" ")
            return every([OfType(of), OfAttribute(attribute)])
        if kind == "Area":
            return Within(self._areas[name]) if name in self._areas else FALSE
        return _is(entity)


def _is(entity: Json) -> Formula:
    return Is(entity["id"]) if entity["type"] == "Entity" else FALSE


def _is_resource(expression: Json) -> bool:
    return bool(expression == {"unknown": [{"Value": "resource"}]} or expression == {"Var": "resource"})


def _member(expression: Json) -> str:
    """`tenant` of `resource.tenant`."""
    found = expression.get(".")
    return str(found["attr"]) if found and _is_resource(found["left"]) else ""


def _values(expression: Json) -> list[Json]:
    if "Set" in expression:
        return [value for one in expression["Set"] for value in _values(one)]
    if "Value" not in expression:
        raise Unfit("a filter asks about what is known of the principal")
    value = expression["Value"]
    return value if isinstance(value, list) else [value]


def _entities(expression: Json) -> list[Json]:
    return [one["__entity"] for one in _values(expression)]


def _texts(expression: Json) -> list[str]:
    return [str(one) for one in _values(expression)]


def check_policy(est: Json) -> None:
    """Raises Unfit for a policy that asks of the resource what no filter can say."""
    for clause in est["conditions"]:
        _check(clause["body"])


def _check(expression: Json) -> None:
    """Walks down to where the resource is asked about, and looks at the question."""
    if isinstance(expression, list):
        for one in expression:
            _check(one)
        return
    if (
        not isinstance(expression, dict)
        or "Value" in expression
        or ("Var" in expression and not _is_resource(expression))
    ):
        return
    if _is_resource(expression) or _member(expression):
        raise Unfit("of the resource a policy asks `is`, `in`, `==`, `.tenant ==`, `.owner.contains`, and nothing else")
    ((operator, inner),) = expression.items()
    if operator == "like" or not isinstance(inner, dict):
        _check(inner["left"] if isinstance(inner, dict) else inner)
        return
    if operator == "is" and _is_resource(inner["left"]):
        _check(inner.get("in"))
        return
    if operator == "in" and _is_resource(inner["left"]):
        _check(inner["right"])
        return
    if operator in ("contains", "containsAny") and _member(inner["left"]) == "owner":
        _check(inner["right"])
        return
    if operator == "contains" and _is_resource(inner["right"]):
        _check(inner["left"])
        return
    if operator in _EQUALS:
        sides = [one for one in (inner["left"], inner["right"]) if not _is_resource(one) and _member(one) != "tenant"]
        _check(sides)
        return
    _check(list(inner.values()))
