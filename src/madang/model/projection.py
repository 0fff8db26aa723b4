"""`pick` and `omit`: which members of entities, and of the entities they are linked to, are shown (clause 4.21), pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from madang.base.errors import BadRequest, TooComplexQuery
from madang.base.limits import QUERY_MAX_CHARS, QUERY_MAX_DEPTH
from madang.model.context import Context

PLAIN = frozenset({"id", "type", "scope", "createdAt", "modifiedAt", "expiresAt", "deletedAt"})
_NAME = re.compile(r"[^\s,|{}]+")


@dataclass(frozen=True)
class Projection:
    """`(member, members of the entities it links to)`; a member is an internal name or one of PLAIN."""

    members: tuple[tuple[str, Projection | None], ...]

    def __contains__(self, name: str) -> bool:
        return any(member == name for member, _ in self.members)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.members)

    def below(self, name: str) -> Projection | None:
        """What is said of the entities behind a Relationship."""
        return dict(self.members).get(name)


def parse_projection(text: str, context: Context, parameter: str) -> Projection:
    """`name`, `id,name`, `locatedAt{id,name}`. Raises BadRequest with the position."""
    if len(text) > QUERY_MAX_CHARS:
        raise TooComplexQuery(f"{parameter} is longer than {QUERY_MAX_CHARS} characters")
    found, at = _terms(text, 0, context, parameter, 0)
    if at < len(text):
        raise _error(parameter, text, at)
    return found


def _terms(text: str, at: int, context: Context, parameter: str, depth: int) -> tuple[Projection, int]:
    if depth > QUERY_MAX_DEPTH:
        raise TooComplexQuery(f"{parameter} is nested too deeply")
    out: dict[str, Projection | None] = {}
    while True:
        name = _NAME.match(text, at)
        if not name:
            raise _error(parameter, text, at)
        word, at, inner = name.group(), name.end(), None
        if text.startswith("{", at):
            inner, at = _terms(text, at + 1, context, parameter, depth + 1)
            if not text.startswith("}", at):
                raise _error(parameter, text, at)
            at += 1
        out[word if word in PLAIN else context.expand(word)] = inner
        if not text.startswith((",", "|"), at):
            return Projection(tuple(out.items())), at
        at += 1


def _error(parameter: str, text: str, at: int) -> BadRequest:
    return BadRequest(f"{parameter}: not a list of members at position {at}: {text[at : at + 20]!r}")
