"""The files of a policy set: the house's own, and a city's folder. Read whole, or refused with the file, the line and the reason."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cedarpy
import msgspec

from madang.base.errors import BadRequest
from madang.base.limits import POLICIES_MAX, POLICY_FILE_MAX_BYTES
from madang.model.formula import Area
from madang.trust.policy.areas import read_areas

HOUSE = Path(__file__).with_name("files")
SCHEMA = HOUSE / "schema.cedarschema"
GROUPS, DEPARTMENTS, AREAS = "groups.json", "departments.json", "areas.geojson"


class PolicyError(BadRequest):
    """A file that cannot be used. `file` is its name in the folder, `line` where the fault begins (from 1)."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(f"{file}:{line}: {reason}", file=file, line=line)


class Keeps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a department keeps: names of types, ids of areas."""

    types: list[str] = []
    areas: list[str] = []


@dataclass(frozen=True)
class Policy:
    """One policy. `id` is its @id, `text` its source, `told` its annotations `ko` and `en`, `est` its JSON (Cedar's EST)."""

    id: str
    file: str
    line: int
    text: str
    effect: str
    told: dict[str, str]
    est: dict[str, Any]


@dataclass(frozen=True)
class Source:
    """All files of a set, read. `hash` is SHA-256 over names and contents."""

    policies: tuple[Policy, ...]
    groups: dict[str, list[str]]
    departments: dict[str, Keeps]
    areas: dict[str, Area]
    hash: str


def files_of(folders: list[Path]) -> list[Path]:
    """Every file of a set, in order."""
    names = ("*.cedar", GROUPS, DEPARTMENTS, AREAS)
    return [file for folder in folders for name in names for file in sorted(folder.glob(name))]


def stamp_of(folders: list[Path]) -> tuple[tuple[str, int, int], ...]:
    """Something else whenever a file is: names, times of change in ns, sizes in bytes."""
    files = ((file, file.stat()) for file in files_of(folders))
    return tuple((str(file), found.st_mtime_ns, found.st_size) for file, found in files)


def read_source(folders: list[Path]) -> Source:
    """Reads and checks every file. Raises PolicyError."""
    digest, policies = hashlib.sha256(SCHEMA.read_bytes()), list[Policy]()
    groups: dict[str, list[str]] = {}
    departments: dict[str, Keeps] = {}
    areas: dict[str, Area] = {}
    for file in files_of(folders):
        text = _text(file)
        digest.update(f"\x00{file.name}\x00{text}".encode())
        if file.name == GROUPS:
            for name, types in _json(file, text, dict[str, list[str]]).items():
                groups[name] = sorted({*groups.get(name, []), *types})
        elif file.name == DEPARTMENTS:
            departments |= _json(file, text, dict[str, Keeps])
        elif file.name == AREAS:
            areas |= _areas(file, text)
        else:
            policies += _policies(file.name, text, {one.id for one in policies})
    if len(policies) > POLICIES_MAX:
        raise PolicyError(policies[-1].file, policies[-1].line, f"more than {POLICIES_MAX} policies")
    return Source(tuple(policies), groups, departments, areas, digest.hexdigest())


def _text(file: Path) -> str:
    if file.stat().st_size > POLICY_FILE_MAX_BYTES:
        raise PolicyError(file.name, 1, f"larger than {POLICY_FILE_MAX_BYTES} bytes")
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise PolicyError(file.name, 1, f"not UTF-8: {error.reason}") from None


def _json(file: Path, text: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(text.encode(), type=kind)
    except msgspec.MsgspecError as error:
        raise PolicyError(file.name, 1, str(error)) from None


def _areas(file: Path, text: str) -> dict[str, Area]:
    try:
        return read_areas(text)
    except BadRequest as error:
        raise PolicyError(file.name, 1, error.detail) from None


def _policies(file: str, text: str, taken: set[str]) -> list[Policy]:
    """Each by itself, so that a fault has a line."""
    out = []
    for line, piece in pieces(text):
        try:
            known = json.loads(cedarpy.policies_to_json_str(piece))
        except ValueError as error:
            raise PolicyError(file, line, str(error)) from None
        if known["templates"] or len(known["staticPolicies"]) != 1:
            raise PolicyError(file, line, "a template: a policy names whom and what it is about")
        (est,) = known["staticPolicies"].values()
        notes = {name: value or "" for name, value in est.get("annotations", {}).items()}
        name = notes.get("id", "")
        if not name or name in taken:
            raise PolicyError(file, line, f'needs an @id("...") that no other policy has, not {name!r}')
        taken = taken | {name}
        told = {language: notes[language] for language in ("ko", "en") if language in notes}
        out.append(Policy(name, file, line, piece.strip(), est["effect"], told, est))
    return out


def pieces(text: str) -> Iterator[tuple[int, str]]:
    """The policies of a file, each with the line where its first word is: cut at every `;` outside of strings and comments."""
    start, at = 0, 0
    while at < len(text):
        if text.startswith("//", at):
            at = (text + "\n").index("\n", at)
        elif text[at] == '"':
            at = _end_of_string(text, at)
        elif text[at] == ";":
            yield _first_line(text, start, at), text[start : at + 1]
            start = at + 1
        at += 1
    if words(text[start:]):
        yield _first_line(text, start, len(text)), text[start:]


def _end_of_string(text: str, at: int) -> int:
    at += 1
    while at < len(text) and text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    return at


def words(text: str) -> str:
    """Without comments and blanks at its begin and end: what a piece must have to be one."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("//"))
    return "\n".join(lines).strip()


def _first_line(text: str, start: int, end: int) -> int:
    line = text.count("\n", 0, start) + 1
    for one in text[start:end].split("\n"):
        if one.strip() and not one.lstrip().startswith("//"):
            return line
        line += 1
    return line
