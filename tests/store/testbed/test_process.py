"""The testbed as a process: what it says, what its failure says. (The whole runs in tests/flow.)"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from madang.base.errors import Unavailable
from madang.runtime.manifest import Manifest
from madang.store.testbed.process import Testbed

MANIFEST = Manifest("org.example.a", "1", {}, {}, "a.app", [])


class Playing(Testbed):
    """Runs a line of Python in place of the testbed."""

    def __init__(self, line: str) -> None:
        super().__init__("x", 1, (1,))
        self._line = line

    def _argv(self, package: Path) -> list[str]:
        return [sys.executable, "-c", self._line]


async def test_progress_and_score_come_through(tmp_path: Path) -> None:
    line = "import sys\nfor x in ('seed 1', 'PROGRESS 0.25', '', 'PROGRESS 1.0'): print(x, file=sys.stderr)\nprint('{\"app\": \"a\"}')"
    shares: list[float] = []
    assert (await Playing(line)(tmp_path, MANIFEST, shares.append), shares) == ({"app": "a"}, [0.25, 1.0])


async def test_what_went_wrong_is_the_last_that_was_said(tmp_path: Path) -> None:
    line = "import sys\nprint('PROGRESS 0.1', file=sys.stderr)\nsys.exit('madang: a did not answer')"
    with pytest.raises(Unavailable, match="the testbed: madang: a did not answer"):
        await Playing(line)(tmp_path, MANIFEST, lambda share: None)


def test_what_is_asked_is_the_command_of_the_manual() -> None:
    asked = Testbed("helsinki", 20, (1, 2))._argv(Path("p"))
    assert asked[3:] == ["testbed", "p", "--city", "helsinki", "--minutes", "20", "--seeds", "1,2", "--json"]
