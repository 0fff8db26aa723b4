"""Standard procedures by kind of incident: files that a city replaces by files of the same name in a folder of its own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from madang.base.errors import BadRequest
from madang.base.limits import PROCEDURE_FILE_MAX_BYTES
from madang.model.context import CORE
from madang.model.query import parse_query
from madang.operations.incidents.incident import SEVERITIES, Severity

HOUSE = Path(__file__).with_name("procedures")
LANGUAGES = ("ko", "en")
OTHER = "other"
Words = dict[str, str]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The service level: seconds since it was opened until somebody must have it, and until it must be over."""

    acknowledge_s: Seconds
    resolve_s: Seconds


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    text: Words


class Near(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is looked for around an incident: entity types, metres, and further conditions as `q` of NGSI-LD (clause 4.9)."""

    name: Words
    types: list[str]
    within_m: Annotated[float, msgspec.Meta(gt=0, le=50_000)]
    q: str = ""


class Procedure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`join_m`, `join_s`: how near in place and time two reports are the same; `categories`: of an Alert (`category`, or
    `category/subCategory`) that is of this kind; `shared`: whether apps see it as an entity."""

    kind: str
    name: Words
    join_m: Annotated[float, msgspec.Meta(ge=0)]
    join_s: Seconds
    limits: dict[Severity, Limits]
    steps: list[Step]
    near: list[Near] = []
    categories: list[str] = []
    shared: bool = True

    @property
    def step_ids(self) -> list[str]:
        return [step.id for step in self.steps]


Procedures = Mapping[str, Procedure]


def read_procedures(folder: Path | None = None) -> Procedures:
    """By kind. Raises BadRequest naming the file that cannot be used."""
    files = {path.name: path for path in sorted(HOUSE.glob("*.toml"))}
    if folder is not None:
        files |= {path.name: path for path in sorted(folder.glob("*.toml"))}
    found = {one.kind: one for one in map(_read, files.values())}
    if OTHER not in found:
        raise BadRequest(f"a procedure of the kind {OTHER!r} is needed")
    return found


def procedure_of(procedures: Procedures, kind: str) -> Procedure:
    """What is no more among the kinds is as any other."""
    return procedures.get(kind) or procedures[OTHER]


def kind_of(procedures: Procedures, category: str, sub_category: str) -> str:
    """Of an Alert; what no procedure names is `other`."""
    for name in (f"{category}/{sub_category}", category):
        found = next((one.kind for one in procedures.values() if name in one.categories), None)
        if found is not None:
            return found
    return OTHER


def _read(path: Path) -> Procedure:
    if path.stat().st_size > PROCEDURE_FILE_MAX_BYTES:
        raise BadRequest(f"{path.name}: a procedure may have {PROCEDURE_FILE_MAX_BYTES} bytes")
    try:
        told = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Procedure)
        _check(told)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError, BadRequest) as error:
        raise BadRequest(f"{path.name}: {error}") from None
    return told


def _check(told: Procedure) -> None:
    spoken = [told.name, *(step.text for step in told.steps), *(one.name for one in told.near)]
    if any(not words.get(language) for words in spoken for language in LANGUAGES):
        raise BadRequest("every name and text is told in ko and en")
    if told.limits.keys() != set(SEVERITIES):
        raise BadRequest("limits: one for each of " + ", ".join(SEVERITIES))
    if len(set(told.step_ids)) != len(told.steps):
        raise BadRequest("a step's id is there twice")
    for one in told.near:
        if one.q:
            parse_query(one.q, CORE)
