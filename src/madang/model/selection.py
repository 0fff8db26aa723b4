"""Which entity types and scopes are meant: the selection languages of clauses 4.17 and 4.19, pure.

Words and groups in parentheses, joined by `|` or `,` (any of them) and by `;` (all of them), which binds closer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from madang.base.errors import BadRequest, TooComplexQuery
from madang.base.limits import QUERY_MAX_CHARS, QUERY_MAX_DEPTH, QUERY_MAX_TERMS
from madang.model.context import Context

_WORD = re.compile(r"[^(),|;]+")
Choice = tuple[str, ...]
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
    choices, at = _any(text, 0, name, word, 0)
    if at < len(text):
        raise BadRequest(f"{name}: unexpected text at position {at}: {text[at : at + 20]!r}")
    return Selection(tuple(choices))


def _any(text: str, at: int, name: str, word: Callable[[str], str], depth: int) -> tuple[list[Choice], int]:
    """One or more conjunctions, parted by `|` or `,`."""
    choices: list[Choice] = []
    while True:
        more, at = _all(text, at, name, word, depth)
        choices += more
        if sum(map(len, choices)) > QUERY_MAX_TERMS:
            raise TooComplexQuery(f"{name} has more than {QUERY_MAX_TERMS} terms")
        if not text.startswith(("|", ","), at):
            return choices, at
        at += 1


def _all(text: str, at: int, name: str, word: Callable[[str], str], depth: int) -> tuple[list[Choice], int]:
    """One or more words or groups, parted by `;`; what is asked of all is multiplied out."""
    choices: list[Choice] = [()]
    while True:
        more, at = _one(text, at, name, word, depth)
        if len(choices) * len(more) > QUERY_MAX_TERMS:
            raise TooComplexQuery(f"{name} has more than {QUERY_MAX_TERMS} terms")
        choices = [left + right for left in choices for right in more]
        if not text.startswith(";", at):
            return choices, at
        at += 1


def _one(text: str, at: int, name: str, word: Callable[[str], str], depth: int) -> tuple[list[Choice], int]:
    if text.startswith("(", at):
        if depth >= QUERY_MAX_DEPTH:
            raise TooComplexQuery(f"{name} is nested too deeply")
        choices, at = _any(text, at + 1, name, word, depth + 1)
        if not text.startswith(")", at):
            raise BadRequest(f"{name}: expected ) at position {at}: {text[at : at + 20]!r}")
        return choices, at + 1
    found = _WORD.match(text, at)
    if not found:
        raise BadRequest(f"{name}: expected a word at position {at}: {text[at : at + 20]!r}")
    return [(word(found[0]),)], found.end()


def _scope_pattern(word: str) -> str:
    path = word if word.startswith("/") else f"/{word}"
    if not _SCOPE.fullmatch(path):
        raise BadRequest(f"scopeQ: not a scope: {word[:80]!r}")
    if path == "/#":
        return "^/"
    tree, path = path.endswith("/#"), path.removesuffix("/#")
    levels = "/".join("[^/]+" if level == "+" else re.escape(level) for level in path.split("/"))
    return f"^{levels}(/.*)?$" if tree else f"^{levels}$"
