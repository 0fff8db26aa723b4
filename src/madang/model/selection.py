"""Which entity types and scopes are meant: the selection languages of clauses 4.17 and 4.19, pure.

Both are a disjunction (`|` or `,`) of elements, each a word or a conjunction (`;`) of words. A bare conjunction without its
parentheses is taken too, as long as nothing else stands beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from madang.base.errors import BadRequest, TooComplexQuery
from madang.base.limits import QUERY_MAX_CHARS, QUERY_MAX_TERMS
from madang.model.context import Context

_ELEMENT = re.compile(r"\(([^()]*)\)|([^(),|]+)")
_SCOPE = re.compile(r"(?:/(?:\w+|\+))+(?:/#)?|/#")


@dataclass(frozen=True)
class Selection:
    """Any of `choices`, each of which asks for all of its words."""

    choices: tuple[tuple[str, ...], ...]

    @property
    def words(self) -> tuple[str, ...]:
        """Every word once: whoever is selected has at least one of them."""
        return tuple(dict.fromkeys(word for choice in self.choices for word in choice))

    @property
    def is_list(self) -> bool:
        """Whether it only asks for one of its words."""
        return all(len(choice) == 1 for choice in self.choices)

    def accepts(self, has: Callable[[str], bool]) -> bool:
        """Whether it selects what `has` the words."""
        return any(all(has(word) for word in choice) for choice in self.choices)


def parse_types(text: str, context: Context) -> Selection | None:
    """The entity types that `type` selects, internal names; None for `*` and for nothing. Raises BadRequest."""
    if not text or text == "*":
        return None
    return _parse(text, "type", context.expand)


def parse_scopes(text: str) -> Selection:
    """The scopes that `scopeQ` selects, each as an anchored regular expression over one scope. Raises BadRequest."""
    return _parse(text, "scopeQ", _scope_pattern)


def _parse(text: str, name: str, word: Callable[[str], str]) -> Selection:
    if len(text) > QUERY_MAX_CHARS:
        raise TooComplexQuery(f"{name} is longer than {QUERY_MAX_CHARS} characters")
    choices = [tuple(word(part) for part in element.split(";")) for element in _elements(text, name)]
    if sum(map(len, choices)) > QUERY_MAX_TERMS:
        raise TooComplexQuery(f"{name} has more than {QUERY_MAX_TERMS} terms")
    return Selection(tuple(choices))


def _elements(text: str, name: str) -> list[str]:
    elements, at = [], 0
    while True:
        found = _ELEMENT.match(text, at)
        if not found:
            raise BadRequest(f"{name}: expected a word at position {at}: {text[at : at + 20]!r}")
        elements.append(found.group(1) if found.group(1) is not None else found.group(2))
        at = found.end()
        if at == len(text):
            return elements
        if text[at] not in ",|":
            raise BadRequest(f"{name}: unexpected text at position {at}: {text[at : at + 20]!r}")
        at += 1


def _scope_pattern(word: str) -> str:
    path = word if word.startswith("/") else f"/{word}"
    if not _SCOPE.fullmatch(path):
        raise BadRequest(f"scopeQ: not a scope: {word[:80]!r}")
    if path == "/#":
        return "^/"
    tree, path = path.endswith("/#"), path.removesuffix("/#")
    levels = "/".join("[^/]+" if level == "+" else re.escape(level) for level in path.split("/"))
    return f"^{levels}(/.*)?$" if tree else f"^{levels}$"
