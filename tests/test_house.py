"""The house is as ARCHITECTURE.md draws it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "src" / "madang"
ROOMS = (
    "base", "model", "engine", "ingest", "context", "federation", "bus", "history", "lake", "twin", "trust", "command",
    "runtime", "store", "operations", "people", "cli",
)  # fmt: skip
FILES = sorted(path for path in SOURCES.rglob("*.py") if path.parent != SOURCES)


def imported_rooms(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    names += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    return {name.split(".")[1] for name in names if name.startswith("madang.")}


def allowed(room: str) -> set[str]:
    if room in ("sdk", "cli"):
        return {"base", "sdk"} if room == "sdk" else {*ROOMS, "sdk"}
    return set(ROOMS[: ROOMS.index(room) + 1])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCES)))
def test_a_room_imports_only_rooms_before_it(path: Path) -> None:
    assert imported_rooms(path) <= allowed(path.relative_to(SOURCES).parts[0])


@pytest.mark.parametrize("path", sorted([*(ROOT / "apps").rglob("*.py"), *(ROOT / "examples").rglob("*.py")]), ids=str)
def test_apps_know_the_sdk_and_nothing_else(path: Path) -> None:
    assert imported_rooms(path) <= {"sdk"} or "tests" in path.parts


@pytest.mark.parametrize("room", [*ROOMS, "sdk"])
def test_every_room_has_a_page(room: str) -> None:
    text = (SOURCES / room / "README.md").read_text()
    assert all(f"**{word}:**" in text for word in ("In", "Out", "Guaranteed", "Bounded"))


@pytest.mark.parametrize("room", [*ROOMS, "sdk"])
def test_every_room_stands_in_the_architecture(room: str) -> None:
    assert f"| `{room}/` |" in (ROOT / "docs" / "ARCHITECTURE.md").read_text()
