"""`$filter` (OGC 18-088, clause 9.3.3.5.1): comparisons of properties with literals, `and`, `or`, parentheses. Pure."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from madang.base.errors import BadRequest, TooComplexQuery
from madang.base.limits import QUERY_MAX_CHARS, QUERY_MAX_DEPTH
from madang.model.kinds import check_time

Test = Callable[[dict[str, Any]], bool]
_TOKEN = re.compile(r"\s*(?:(\(|\))|('(?:[^']|'')*')|([^\s()']+))")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


def parse_filter(text: str) -> Test:
    """Raises BadRequest, TooComplexQuery."""
    if len(text) > QUERY_MAX_CHARS:
        raise TooComplexQuery(f"$filter may have {QUERY_MAX_CHARS} characters")
    reader = _Reader(text)
    test = reader.some(0)
    if reader.tokens:
        raise BadRequest(f"$filter: {reader.tokens[0][:40]!r} was not expected")
    return test


def value_at(record: dict[str, Any], path: str) -> Any:
    """What a property path such as `unitOfMeasurement/name` leads to; None when to nothing."""
    value: Any = record
    for name in path.split("/"):
        value = value.get("@iot.id" if name == "id" else name) if isinstance(value, dict) else None
    return value


class _Reader:
    def __init__(self, text: str) -> None:
        found = list(_TOKEN.finditer(text))
        if "".join(one.group(0) for one in found).strip() != text.strip():
            raise BadRequest("$filter: a text does not end")
        self.tokens = [one.group(0).strip() for one in found]

    def some(self, depth: int) -> Test:
        tests = [self.all(depth)]
        while self.took("or"):
            tests.append(self.all(depth))
        return tests[0] if len(tests) == 1 else lambda record: any(test(record) for test in tests)

    def all(self, depth: int) -> Test:
        tests = [self.one(depth)]
        while self.took("and"):
            tests.append(self.one(depth))
        return tests[0] if len(tests) == 1 else lambda record: all(test(record) for test in tests)

    def one(self, depth: int) -> Test:
        if depth > QUERY_MAX_DEPTH:
            raise TooComplexQuery(f"$filter: parentheses nest deeper than {QUERY_MAX_DEPTH}")
        if self.took("("):
            test = self.some(depth + 1)
            if not self.took(")"):
                raise BadRequest("$filter: a parenthesis does not end")
            return test
        path, sign, wanted = self.next(), self.next(), literal(self.next())
        compare = _COMPARE.get(sign)
        if compare is None:
            raise BadRequest(f"$filter: not one of {', '.join(_COMPARE)}: {sign[:40]!r}")
        return lambda record: _holds(compare, value_at(record, path), wanted)

    def took(self, token: str) -> bool:
        if self.tokens[:1] != [token]:
            return False
        self.tokens.pop(0)
        return True

    def next(self) -> str:
        if not self.tokens:
            raise BadRequest("$filter: property, operator and literal")
        return self.tokens.pop(0)


def literal(token: str) -> Any:
    """A text in quotes, a number, true, false, null, or a time, written as those of observations. Raises BadRequest."""
    if token.startswith("'"):
        return token[1:-1].replace("''", "'")
    words = {"true": True, "false": False, "null": None}
    if token in words:
        return words[token]
    try:
        return float(token)
    except ValueError:
        if re.match(r"\d{4}-\d\d-\d\dT", token):
            return check_time(token, "$filter: a time")
        raise BadRequest(f"$filter: not a literal: {token[:40]!r}") from None


def _holds(compare: Callable[[Any, Any], bool], value: Any, wanted: Any) -> bool:
    """Values of different kinds are unequal, and neither before nor after each other."""
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (value, wanted))
    if numbers or type(value) is type(wanted) is str or compare in (operator.eq, operator.ne):
        return compare(value, wanted)
    return False
