"""The NGSI-LD query language `q` (clause 4.9): text to a tree, pure.

query   = and *( "|" and )          and  = term *( ";" term )
term    = "(" query ")" / path [ operator value ]
path    = name "{" [ type *( "," type ) ":" ] path "}" / name *( "." name ) [ "[" name *( "." name ) "]" ]
value   = item / item ".." item / item *( "," item )
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from madang.base.errors import BadRequest, TooComplexQuery
from madang.base.limits import JOIN_MAX_LEVEL, QUERY_MAX_CHARS, QUERY_MAX_DEPTH, QUERY_MAX_TERMS
from madang.model.context import CORE, Context
from madang.model.kinds import TIMES
from madang.model.patterns import check_pattern
from madang.model.scanner import Scalar, Scanner

_OPERATORS = ("==", "!=", ">=", "<=", "!~=", "~=", ">", "<")
_PATH = re.compile(r"[^\s;|()=!<>~\"{}]+")
_RELATION = re.compile(r"([^\s;|()=!<>~\"{}\[\].]+)\{(?:([^\s;|()=!<>~\"{}:]+):)?")


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


@dataclass(frozen=True)
class Linked:
    """An entity that the Relationship leads to meets the test; `types`, if any, says of which types it may be."""

    relation: str
    types: tuple[str, ...]
    test: Node


ANYTHING = "*"
"""Stands for what a caller with a narrowed sight may not ask: the attributes of whatever a Relationship leads to."""


def attributes_of(node: Node) -> set[str]:
    """Every attribute whose value it asks about."""
    if isinstance(node, All | Some):
        return set().union(*(attributes_of(term) for term in node.terms))
    if isinstance(node, Linked):
        return {node.relation, ANYTHING}
    test = node.test if isinstance(node, Differs) else node
    return {test.path.names[0]}


Node = Linked | Exists | Compare | Between | Matches | Differs | All | Some


def parse_query(
    text: str, context: Context = CORE, *, linked: bool = False, vocab: frozenset[str] = frozenset()
) -> Node:
    """The tree of a query. Raises BadRequest with the position, TooComplexQuery beyond the limits.

    `linked`: whether entities may be followed; `vocab`: attributes whose values are terms of the context (expandValues).
    """
    if len(text) > QUERY_MAX_CHARS:
        raise TooComplexQuery(f"q is longer than {QUERY_MAX_CHARS} characters")
    parser = _Parser(text, context, linked, vocab)
    node = parser.query(0)
    if parser.at < len(text):
        raise parser.error("unexpected text")
    return node


def parse_path(text: str, context: Context, parameter: str) -> Path:
    """One attribute path by itself. Raises BadRequest naming the parameter."""
    parser = _Parser(text, context, False, frozenset())
    try:
        path = parser.path()
    except BadRequest:
        raise BadRequest(f"{parameter}: not an attribute path: {text[:40]!r}") from None
    if parser.at < len(text):
        raise BadRequest(f"{parameter}: not an attribute path: {text[:40]!r}")
    return path


class _Parser(Scanner):
    def __init__(self, text: str, context: Context, linked: bool, vocab: frozenset[str]) -> None:
        super().__init__(text)
        self.context, self.linked, self.vocab, self.terms = context, linked, vocab, 0

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
        relations = self.relations()
        path = self.path()
        if not all(self.take("}") for _ in relations):
            raise self.error("missing }")
        operator = next((sign for sign in _OPERATORS if self.take(sign)), None)
        node = Exists(path) if operator is None else self.comparison(path, operator)
        for relation, types in reversed(relations):
            node = Linked(relation, types, node)
        return node

    def relations(self) -> list[tuple[str, tuple[str, ...]]]:
        """The Relationships before the path, outermost first, each with the types its entities may have."""
        found: list[tuple[str, tuple[str, ...]]] = []
        while match := _RELATION.match(self.text, self.at):
            if not self.linked:
                raise self.error("linked entities are not followed here")
            types = match.group(2).split(",") if match.group(2) else []
            found.append((self.context.expand(match.group(1)), tuple(map(self.context.expand, types))))
            self.at = match.end()
        if len(found) > JOIN_MAX_LEVEL:
            raise TooComplexQuery(f"q follows more than {JOIN_MAX_LEVEL} Relationships")
        return found

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
        if isinstance(test, Compare) and path.names[0] in self.vocab:
            test = replace(test, values=tuple(self.context.expand(str(value)) for value in values))
        return Differs(test) if operator == "!=" else test

    def pattern(self, path: Path) -> Matches:
        pattern = self.quoted() if self.text.startswith('"', self.at) else self.until_end()
        ignore_case = pattern.startswith("(?i)")
        pattern = pattern.removeprefix("(?i)")
        check_pattern(pattern)
        return Matches(path, pattern, ignore_case)
