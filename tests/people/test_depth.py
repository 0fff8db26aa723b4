"""How deep JSON may be nested, whatever stands in its strings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import InvalidRequest
from madang.base.limits import JSON_MAX_DEPTH
from madang.people.http import decode_json

SIGNS = st.text(alphabet='[]{}"\\ab\n', max_size=12)


def nested(depth: int, texts: list[str]) -> Any:
    value: Any = 1
    for level in range(depth):
        text = texts[level % len(texts)]
        value = [text, value, {text: [text]}] if level % 2 else {text: value, "x" + text: text}
    return value


@given(st.integers(1, JSON_MAX_DEPTH - 2), st.lists(SIGNS, min_size=1, max_size=5))
def test_what_is_not_too_deep_is_read(depth: int, texts: list[str]) -> None:
    value = nested(depth, texts)
    assert decode_json(json.dumps(value).encode()) == value


@given(st.integers(JSON_MAX_DEPTH + 1, 200), st.lists(SIGNS, min_size=1, max_size=5))
def test_what_is_too_deep_is_refused(depth: int, texts: list[str]) -> None:
    with pytest.raises(InvalidRequest):
        decode_json(json.dumps(nested(depth, texts)).encode())
