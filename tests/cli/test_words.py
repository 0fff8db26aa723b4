"""What follows a command that hands its words on goes on as it was written."""

from __future__ import annotations

import pytest

from madang.cli.arguments import parser


@pytest.mark.parametrize(
    "words", [["check", "-m", "nightly"], ["check", "tests/cli", "-x"], ["check"], ["run", "gateway", "--flag"]]
)
def test_words_of_others_are_not_ours(words: list[str]) -> None:
    options = parser().parse_args(words)
    assert [options.command, *([options.role] if words[0] == "run" else []), *options.rest] == words
