"""The NGSI-LD query language `q` (clause 4.9): text to a tree, pure.

query   = and *( "|" and )          and  = term *( ";" term )
term    = "(" query ")" / path [ operator value ]
path    = name *( "." name ) [ "[" name *( "." name ) "]" ]
value   = item / item ".." item / item *( "," item )
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from madang.base.clock import from_iso, to_iso
from madang.base.errors import BadRequest, TooComplexQuery
from madang.base.limits import QUERY_MAX_CHARS, QUERY_MAX_DEPTH, QUERY_MAX_TERMS
from madang.model.context import CORE, Context
from madang.model.entity import TIMES

Scalar = str | int | float | bool
PATTERN_MAX_CHARS = 256
_OPERATORS = ("==", "!=", ">=", "<=", "!~=", "~=", ">", "<")
_PATH = re.compile(r"[^\s;|()=!<>~\"]+")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_TIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?)?|\d\d:\d\d:\d\d([.,]\d+)?Z?")
_RISKY = re.compile(r"\([^)]*[*+{][^)]*\)\s*[*+{]|\\[1-9]")


@dataclass(frozen=True)
class Path:
    """An attribute, its sub-attributes or metadata member, and a path inside its value."""

    names: tuple[str, ...]
    inside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exists:
    path: Path


@dataclass(frozen=True)
class Compare:
    """`operator` is ==, >, >=, <, <=; `values` has one item, or the choices of a list (== only)."""

    path: Path
    operator: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True)
class Between:
    path: Path
    low: Scalar
    high: Scalar


@dataclass(frozen=True)
class Matches:
    path: Path
    pattern: str
    ignore_case: bool = False


@dataclass(frozen=True)
class Differs:
    """The attribute exists and the test inside does not hold: `!=`, `!~=`."""

    test: Compare | Between | Matches


@dataclass(frozen=True)
class All:
    terms: tuple[Node, ...]


@dataclass(frozen=True)
class Some:
    terms: tuple[Node, ...]


Node = Exists | Compare | Between | Matches | Differs | All | Some


def parse_query(text: str, context: Context = CORE) -> Node:
    """The tree of a query. Raises BadRequest with the position, TooComplexQuery beyond the limits."""
    if len(text) > QUERY_MAX_CHARS:
        raise TooComplexQuery(f"q is longer than {QUERY_MAX_CHARS} characters")
    parser = _Parser(text, context)
    node = parser.query(0)
    if parser.at < len(text):
        raise parser.error("unexpected text")
    return node


def check_pattern(pattern: str) -> None:
    """A regular expression that can be run on a stranger's behalf. Raises BadRequest, TooComplexQuery."""
    if len(pattern) > PATTERN_MAX_CHARS:
        raise TooComplexQuery(f"a pattern is longer than {PATTERN_MAX_CHARS} characters")
    if _RISKY.search(pattern) or "(?" in pattern:
        raise TooComplexQuery("nested repetition, back references and (?...) are not taken in patterns")
    if "\x00" in pattern:
        raise BadRequest("a pattern holds a NUL character")
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        raise BadRequest(f"not a regular expression: {pattern[:40]!r}") from None


class _Parser:
    def __init__(self, text: str, context: Context) -> None:
        self.text, self.context, self.at, self.terms = text, context, 0, 0

    def error(self, why: str) -> BadRequest:
        return BadRequest(f"q: {why} at position {self.at}: {self.text[self.at : self.at + 20]!r}")

    def take(self, token: str) -> bool:
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def query(self, depth: int) -> Node:
        if depth > QUERY_MAX_DEPTH:
            raise TooComplexQuery("q is nested too deeply")
        choices = [self.conjunction(depth)]
        while self.take("|"):
            choices.append(self.conjunction(depth))
        return choices[0] if len(choices) == 1 else Some(tuple(choices))

    def conjunction(self, depth: int) -> Node:
        terms = [self.term(depth)]
        while self.take(";"):
            terms.append(self.term(depth))
        return terms[0] if len(terms) == 1 else All(tuple(terms))

    def term(self, depth: int) -> Node:
        self.terms += 1
        if self.terms > QUERY_MAX_TERMS:
            raise TooComplexQuery(f"q has more than {QUERY_MAX_TERMS} terms")
        if self.take("("):
            node = self.query(depth + 1)
            if not self.take(")"):
                raise self.error("missing )")
            return node
        path = self.path()
        operator = next((sign for sign in _OPERATORS if self.take(sign)), None)
        if operator is None:
            return Exists(path)
        return self.comparison(path, operator)

    def path(self) -> Path:
        found = _PATH.match(self.text, self.at)
        if not found:
            raise self.error("expected an attribute")
        raw = found.group()
        start, self.at = self.at, found.end()
        inside: tuple[str, ...] = ()
        if raw.endswith("]") and "[" in raw:
            raw, _, tail = raw[:-1].partition("[")
            inside = tuple(tail.split("."))
        names = self.names(raw)
        if not all(names) or not all(part and "[" not in part and "]" not in part for part in inside):
            self.at = start
            raise self.error("not an attribute path")
        return Path(names, inside)

    def names(self, raw: str) -> tuple[str, ...]:
        if "://" in raw:
            return (self.context.expand(raw),)
        parts = raw.split(".")
        if not all(parts) or any("[" in part or "]" in part for part in parts):
            return ("",)
        return tuple(part if part in TIMES or part == "unitCode" else self.context.expand(part) for part in parts)

    def comparison(self, path: Path, operator: str) -> Node:
        if operator in ("~=", "!~="):
            match = self.pattern(path)
            return match if operator == "~=" else Differs(match)
        values = [self.value()]
        test: Compare | Between
        if operator in ("==", "!=") and self.take(".."):
            test = Between(path, values[0], self.value())
        else:
            while operator in ("==", "!=") and self.take(","):
                values.append(self.value())
            test = Compare(path, "==" if operator == "!=" else operator, tuple(values))
        return Differs(test) if operator == "!=" else test

    def pattern(self, path: Path) -> Matches:
        pattern = self.quoted() if self.text.startswith('"', self.at) else self.until_end()
        ignore_case = pattern.startswith("(?i)")
        pattern = pattern.removeprefix("(?i)")
        check_pattern(pattern)
        return Matches(path, pattern, ignore_case)

    def until_end(self) -> str:
        """A bare pattern ends at `;`, `|` or `)`, unless inside parentheses of its own."""
        start, depth = self.at, 0
        while self.at < len(self.text):
            letter = self.text[self.at]
            if not depth and letter in ";|)":
                break
            depth += (letter == "(") - (letter == ")")
            self.at += 1
        return self.text[start : self.at]

    def quoted(self) -> str:
        out, at = [], self.at + 1
        while at < len(self.text) and self.text[at] != '"':
            if self.text[at] == "\\" and self.text[at + 1 : at + 2] in ('"', "\\"):
                at += 1
            out.append(self.text[at])
            at += 1
        if at >= len(self.text):
            raise self.error("missing closing quote")
        self.at = at + 1
        return "".join(out)

    def value(self) -> Scalar:
        if self.text.startswith('"', self.at):
            return self.quoted()
        start = self.at
        while (
            self.at < len(self.text) and self.text[self.at] not in ';|(),"' and not self.text.startswith("..", self.at)
        ):
            self.at += 1
        raw = self.text[start : self.at]
        if raw in ("true", "false"):
            return raw == "true"
        if _NUMBER.fullmatch(raw):
            number = float(raw)
            if not math.isfinite(number):
                raise self.error("number out of range")
            return int(raw) if raw.lstrip("+-").isdigit() and len(raw) < 19 else number
        if _TIME.fullmatch(raw):
            return _time(raw)
        if ":" in raw or raw.isidentifier():
            return raw
        self.at = start
        raise self.error("not a value")


def _time(raw: str) -> str:
    if "T" not in raw:
        return raw
    try:
        return to_iso(from_iso(raw.replace(",", ".")))
    except ValueError:
        raise BadRequest(f"q: not a time: {raw}") from None
