"""Whether an entity satisfies a query tree: the meaning of `q`, which the SQL of `context/` must agree with.

A value that is a list satisfies a test when one of its items does; values of another kind than the query's never
satisfy it. `!=` asks that the attribute exists and that no value of it is equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from madang.model.kinds import TIMES, VALUE_KEY
from madang.model.patterns import found_in
from madang.model.query import All, Between, Compare, Differs, Exists, Linked, Matches, Node, Path, Some
from madang.model.scanner import Scalar
from madang.model.values import is_one_of

_METADATA = TIMES | {"unitCode", "datasetId"}


def satisfies(body: dict[str, Any], node: Node) -> bool:
    """`body` in internal form."""
    if isinstance(node, All):
        return all(satisfies(body, term) for term in node.terms)
    if isinstance(node, Some):
        return any(satisfies(body, term) for term in node.terms)
    if isinstance(node, Linked):
        raise TypeError("linked entities are known to a store only")
    if isinstance(node, Exists):
        return any(True for _ in values_at(body, node.path))
    if isinstance(node, Differs):
        return any(True for _ in values_at(body, node.test.path)) and not satisfies(body, node.test)
    return any(_holds(item, node) for value in values_at(body, node.path) for item in _items(value))


def values_at(body: dict[str, Any], path: Path) -> Iterator[Any]:
    """Every value the path leads to, over all instances."""
    for instance in _instances(body, path.names):
        if isinstance(instance, dict) and is_one_of(instance.get("type"), VALUE_KEY):
            yield from _inside(instance, path.inside)
        elif not path.inside and instance is not None:
            yield instance


def _instances(body: dict[str, Any], names: tuple[str, ...]) -> list[Any]:
    found: list[Any] = [body]
    for name in names:
        steps = [holder[name] for holder in found if isinstance(holder, dict) and name in holder]
        found = [
            item for step in steps for item in (step if isinstance(step, list) and name not in _METADATA else [step])
        ]
    return found


def _inside(instance: dict[str, Any], inside: tuple[str, ...]) -> Iterator[Any]:
    found = [instance.get(VALUE_KEY[instance["type"]])]
    for name in inside:
        spread = [item for value in found for item in (value if isinstance(value, list) else [value])]
        found = [item[name] for item in spread if isinstance(item, dict) and name in item]
    yield from (value for value in found if value is not None)


def _items(value: Any) -> Iterator[Any]:
    for item in value if isinstance(value, list) else [value]:
        yield item["@value"] if isinstance(item, dict) and "@value" in item else item


def _holds(item: Any, node: Compare | Between | Matches) -> bool:
    if isinstance(node, Matches):
        return isinstance(item, str) and found_in(node.pattern, item, node.ignore_case)
    if isinstance(node, Between):
        return _compare(item, ">=", node.low) and _compare(item, "<=", node.high)
    return any(_compare(item, node.operator, value) for value in node.values)


def _compare(item: Any, operator: str, value: Scalar) -> bool:
    if _kind(item) != _kind(value) or (isinstance(value, bool) and operator != "=="):
        return False
    if operator == "==":
        return bool(item == value)
    if operator == ">":
        return bool(item > value)
    if operator == ">=":
        return bool(item >= value)
    return bool(item < value) if operator == "<" else bool(item <= value)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return "number" if isinstance(value, int | float) else "text" if isinstance(value, str) else "other"
