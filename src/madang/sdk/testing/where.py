"""The part of NGSI-LD's query language (clause 4.9) that a test's city understands: comparisons of values, `;` and `|`, brackets."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from madang.sdk.values import value_of

_TOKEN = re.compile(r'\s*(?:([;|()])|([A-Za-z_][\w.]*)(?:(==|!=|>=|<=|>|<)("(?:[^"\\]|\\.)*"|[^;|()\s]+))?)')
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
Test = Callable[[Mapping[str, Any]], bool]


def compile_where(text: str) -> Test:
    """Raises ValueError for what this part does not know."""
    if not text:
        return lambda entity: True
    tokens = _tokens(text)
    test = _either(tokens)
    if tokens:
        raise ValueError(f"where: cannot read {text!r}")
    return test


def _tokens(text: str) -> list[re.Match[str]]:
    found, place = [], 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"where: a test's city cannot read {text[place:]!r}")
        found.append(match)
        place = match.end()
    return found


def _either(tokens: list[re.Match[str]]) -> Test:
    tests = [_every(tokens)]
    while tokens and tokens[0][1] == "|":
        tokens.pop(0)
        tests.append(_every(tokens))
    return lambda entity: any(test(entity) for test in tests)


def _every(tokens: list[re.Match[str]]) -> Test:
    tests = [_term(tokens)]
    while tokens and tokens[0][1] == ";":
        tokens.pop(0)
        tests.append(_term(tokens))
    return lambda entity: all(test(entity) for test in tests)


def _term(tokens: list[re.Match[str]]) -> Test:
    if not tokens:
        raise ValueError("where: it ends too early")
    token = tokens.pop(0)
    if token[1] == "(":
        inner = _either(tokens)
        if not tokens or tokens.pop(0)[1] != ")":
            raise ValueError("where: a bracket is open")
        return inner
    if token[1]:
        raise ValueError(f"where: {token[1]!r} has no place there")
    name, sign, told = token[2], token[3], token[4]
    if sign is None:
        return lambda entity: entity.get(name) is not None
    return _comparison(name, _OPERATORS[sign], _literal(told))


def _comparison(name: str, compare: Callable[[Any, Any], bool], wanted: Any) -> Test:
    def test(entity: Mapping[str, Any]) -> bool:
        value = value_of(entity.get(name))
        alike = isinstance(value, str) == isinstance(wanted, str) and isinstance(value, bool) == isinstance(
            wanted, bool
        )
        return value is not None and alike and compare(value, wanted)

    return test


def _literal(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
