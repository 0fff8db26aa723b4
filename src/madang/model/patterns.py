"""Regular expressions of strangers. They are run by RE2, in time that grows with the text: Python's own engine needs hours for
`(a|a)*b` and forty letters, and whoever subscribes chooses the pattern."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2

from madang.base.errors import BadRequest, TooComplexQuery

PATTERN_MAX_CHARS = 256
# PostgreSQL runs them too: what makes its automata large is refused before.
_RISKY = re.compile(r"\([^)]*[*+{][^)]*\)\s*[*+{]|\\[1-9]")


def check_pattern(pattern: str) -> None:
    """Raises BadRequest, TooComplexQuery for what is no regular expression that can be run on a stranger's behalf."""
    if len(pattern) > PATTERN_MAX_CHARS:
        raise TooComplexQuery(f"a pattern is longer than {PATTERN_MAX_CHARS} characters")
    if _RISKY.search(pattern) or "(?" in pattern:
        raise TooComplexQuery("nested repetition, back references and (?...) are not taken in patterns")
    if "\x00" in pattern:
        raise BadRequest("a pattern holds a NUL character")
    try:
        _compiled(pattern, False)
    except (re2.error, UnicodeEncodeError):
        raise BadRequest(f"not a regular expression: {pattern[:40]!r}") from None


def found_in(pattern: str, text: str, ignore_case: bool = False) -> bool:
    """Whether the pattern matches somewhere in the text."""
    return _compiled(pattern, ignore_case).search(text) is not None


@lru_cache(maxsize=1_024)
def _compiled(pattern: str, ignore_case: bool) -> Any:
    options = re2.Options()
    options.case_sensitive, options.log_errors = not ignore_case, False
    return re2.compile(pattern, options)
