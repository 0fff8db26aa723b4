"""What an indicator is: a file says it, and a formula computes it where a city can."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import msgspec

from madang.base.errors import NotFound


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`formula`: one SELECT over `lake` and the city's database `city.public` that gives the value and the number of rows it is made
    of; `$from` and `$until` are the year's ends, `$zone` is the city's time zone; what else it may say stands in `macros`. Empty:
    somebody enters the value. `better`: more, less, or empty. `check`: the code is doubtful. `sources`: nodes of lineage. `like`: the
    code of another one that is measured alike, whose formula, sources and method count. `confidence`: estimated where a method only
    comes close."""

    code: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.:]{1,40}$")]
    name: dict[Literal["ko", "en"], str]
    unit: str
    better: Literal["more", "less", ""] = ""
    formula: str = ""
    sources: list[str] = []
    method: dict[Literal["ko", "en"], str] = {}
    check: bool = False
    like: str = ""
    confidence: Literal["computed", "estimated"] = "computed"


class Definitions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file: the set's name, and what is in it."""

    set: str
    indicator: list[Definition]


@cache
def every() -> dict[str, Definitions]:
    """All sets by name."""
    folder = files("madang.lake.indicators").joinpath("definitions")
    paths = sorted((one for one in folder.iterdir() if one.name.endswith(".toml")), key=lambda one: one.name)
    found = [msgspec.toml.decode(path.read_bytes(), type=Definitions) for path in paths]
    by_code = {one.code: one for each in found for one in each.indicator}
    return {each.set: Definitions(each.set, [_as_other(one, by_code) for one in each.indicator]) for each in found}


def _as_other(one: Definition, by_code: dict[str, Definition]) -> Definition:
    if not one.like:
        return one
    other = by_code[one.like]
    told = {"formula": other.formula, "sources": other.sources, "method": other.method, "confidence": other.confidence}
    return msgspec.structs.replace(one, **told)


def get(code: str) -> Definition:
    """Raises NotFound."""
    found = next((one for each in every().values() for one in each.indicator if one.code == code), None)
    if found is None:
        raise NotFound("there is no such indicator", reason="indicator_none")
    return found
