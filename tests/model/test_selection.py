"""Type selection: what is parsed means what was said."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import BadRequest
from madang.model.context import CORE
from madang.model.selection import parse_types

WORDS = [CORE.expand(name) for name in "ABCD"]
Has = Callable[[str], bool]
LEAVES = st.sampled_from("ABCD").map(lambda name: (name, lambda has: has(CORE.expand(name))))


def joined(signs: str, every: bool) -> Callable[[list[tuple[str, Any]]], tuple[str, Any]]:
    decide = all if every else any

    def join(parts: list[tuple[str, Any]]) -> tuple[str, Any]:
        text = reduce(lambda left, right: f"{left}{signs[len(left) % len(signs)]}{right}", [text for text, _ in parts])
        return f"({text})", lambda has: decide(test(has) for _, test in parts)

    return join


TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(joined("|,", False))
        | st.lists(inner, min_size=1, max_size=3).map(joined(";", True))
    ),
    max_leaves=8,
)


@given(TREES, st.sets(st.sampled_from(WORDS)))
def test_a_selection_means_what_it_says(tree: tuple[str, Callable[[Has], bool]], types: set[str]) -> None:
    text, meaning = tree
    selection = parse_types(text, CORE)
    assert selection is not None
    assert selection.accepts(types.__contains__) == meaning(types.__contains__)


@pytest.mark.parametrize("text", ["(", "A|", "|A", "A;", "(A", "A)", "()", "A(B)", "((A)"])
def test_what_is_no_selection_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_types(text, CORE)
