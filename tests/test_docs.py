"""The documents do not rot: what the code has is named, what they point at is there, what they show can be read."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from urllib.parse import unquote

import pytest

from madang.base import limits
from madang.base.city import load_city
from madang.cli.arguments import parser
from madang.ingest.mqtt.decode import compile_decoder
from madang.people.manage import Management
from madang.people.ngsi.routes import NgsiLd
from madang.people.openapi.document import MANAGEMENT_PREFIX, path_of
from madang.people.personal.door import PersonalDoor
from madang.people.policies import PolicyDoor
from madang.runtime.manifest import load_manifest
from tests.callers import GATE

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SOURCES = ROOT / "src" / "madang"
READMES = (ROOT / "README.md", ROOT / "README.ko.md")
_FENCED = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def pages() -> list[Path]:
    """Every page of ours: what git knows and what it would take, no package of somebody else."""
    listed = ""
    if shutil.which("git"):
        argv = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
        listed = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    found = [ROOT / name for name in listed.splitlines()]
    return [page for page in found if page.is_file()] or [*READMES, *DOCS.rglob("*.md"), *SOURCES.rglob("*.md")]


def code_blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in _FENCED.findall(page.read_text(encoding="utf-8")) if kind == language]


def unindented(text: str) -> str:
    lines = text.splitlines()
    depth = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[depth:] for line in lines) + "\n"


def anchors(page: Path) -> set[str]:
    """The anchors GitHub makes of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_environment_variable_is_told() -> None:
    told = (DOCS / "operations.md").read_text(encoding="utf-8")
    files = [*SOURCES.rglob("*.py"), *(ROOT / "tests").rglob("*.py"), ROOT / "madang"]
    used = {name for path in files for name in re.findall(r"\bMADANG_[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8"))}
    assert {name for name in used if f"`{name}`" not in told} == set()


def commands(root: argparse.ArgumentParser, before: str = "madang") -> Iterator[str]:
    for action in root._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield f"{before} {name}"
                yield from commands(inner, f"{before} {name}")


@pytest.mark.parametrize("command", sorted(commands(parser())))
def test_every_command_is_told(command: str) -> None:
    told = "\n".join(page.read_text(encoding="utf-8") for page in [READMES[0], *DOCS.glob("*.md")])
    assert re.search(rf"{re.escape(command)}\b", told)


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_both_readmes_name_the_same_commands(page: Path) -> None:
    def named(path: Path) -> set[str]:
        return set(re.findall(r"\./madang \w+", path.read_text(encoding="utf-8")))

    assert named(page) == named(READMES[0])


def routes() -> Iterator[tuple[str, str]]:
    """`(path as the page writes it, method)` of each NGSI-LD and management resource."""
    nothing: Any = Mock()
    for shape, method in NgsiLd(nothing, nothing, nothing, nothing, nothing, nothing).routes:
        yield path_of("", shape), method
    for shape, method in Management(
        {}, nothing, nothing, nothing, nothing, nothing, nothing, nothing, nothing, PolicyDoor(GATE, nothing, nothing)
    ).routes:
        yield path_of(MANAGEMENT_PREFIX, shape), method
    for shape, method in PersonalDoor(nothing, nothing).routes:
        yield path_of(MANAGEMENT_PREFIX, shape), method


@pytest.mark.parametrize(("path", "method"), sorted(routes()))
def test_every_route_stands_in_the_api_page(path: str, method: str) -> None:
    rows = [
        line.split("|")
        for line in (DOCS / "api.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| `/")
    ]
    methods = {cells[1].strip(): cells[2].split() for cells in rows}
    assert method in methods[f"`{path}`"]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", _FENCED.sub("", page.read_text(encoding="utf-8")))
    for target in _LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        to = (page.parent / path).resolve() if path else page
        assert to.exists(), f"{target} is not there"
        assert not anchor or anchor in anchors(to), f"{target} has no such heading"


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_the_city_and_the_app_of_the_readme_are_real(page: Path, tmp_path: Path) -> None:
    city, manifest = (unindented(block) for block in code_blocks(page, "toml"))
    (tmp_path / "city.toml").write_text(city, encoding="utf-8")
    loaded = load_city(tmp_path / "city.toml")
    payload = b'{"time":"2026-11-21T09:00:00Z","level":0.6,"temp_c":8.5,"lon":126.978,"lat":37.566}'
    (operation,) = compile_decoder(loaded.id, list(loaded.mqtt)).decode("city/mycity/bin/7", payload)
    assert set(operation.entity.body) == {"fillingLevel", "temperature", "location"}
    (source,) = code_blocks(page, "python")
    compile(source, "app.py", "exec")
    (tmp_path / "app.py").write_text(source, encoding="utf-8")
    (tmp_path / "app.toml").write_text(manifest, encoding="utf-8")
    assert load_manifest(tmp_path).id == "org.example.loudest"


@pytest.mark.parametrize("page", sorted(SOURCES.glob("*/README.md")), ids=lambda page: page.parent.name)
def test_a_room_has_a_title_and_four_lines_with_limits_that_exist(page: Path) -> None:
    title, *lines = page.read_text(encoding="utf-8").splitlines()
    assert title.startswith(f"# {page.parent.name}:")
    assert [line.split(" ")[0] for line in lines] == ["**In:**", "**Out:**", "**Guaranteed:**", "**Bounded:**"]
    named = re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", lines[3])
    assert [name for name in named if not hasattr(limits, name)] == []


def test_the_dictionary_speaks_as_the_page_does() -> None:
    told = (DOCS / "dictionary.md").read_text(encoding="utf-8")
    texts = json.loads((ROOT / "web" / "src" / "strings" / "ko.json").read_text(encoding="utf-8"))
    spoken = (
        "component.",
        "status.accepted",
        "status.refused",
        "status.done",
        "status.failed",
        "rank.",
        "reason.",
        "mode.fallback",
    )
    keys = [key for key in texts if key.startswith(spoken) and key not in ("component.signals", "component.buses")]
    keys += [
        "counter.entities",
        "counter.letters",
        "layer.flow",
        "layer.signal",
        "layer.pedestrian",
        "inject.title",
        "app.title",
        "fresh.old",
    ]
    assert {key: texts[key] for key in keys if texts[key] not in told} == {}


def test_every_reason_of_the_city_has_words() -> None:
    given = re.compile(r'(?:Refusal|Refused)\(\s*"(\w+)|(?:False|FAILED, \w+(?:\.\w+\.now\(\))?), "(\w+)"')
    files = [*(SOURCES / "command").glob("*.py"), *(SOURCES / "ingest" / "sumo").glob("*.py")]
    used = {next(filter(None, hit)) for path in files for hit in given.findall(path.read_text(encoding="utf-8"))}
    texts = {name: json.loads((ROOT / f"web/src/strings/{name}.json").read_text("utf-8")) for name in ("ko", "en")}
    missing = {(name, code) for name, told in texts.items() for code in used if f"reason.{code}" not in told}
    assert (missing, {"minimum_green", "unknown_controller", "no_receipt", "not_sent"} - used) == (set(), set())


def test_decisions_are_numbered_and_listed() -> None:
    folder = DOCS / "decisions"
    found = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert [int(name[:4]) for name in found] == list(range(1, len(found) + 1))
    listed = (folder / "README.md").read_text(encoding="utf-8")
    assert [name for name in found if f"({name})" not in listed] == []
