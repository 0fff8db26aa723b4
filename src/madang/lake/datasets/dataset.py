"""What a data set is, and a file on its way into one. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from madang.base.errors import BadRequest
from madang.lake.files.report import Hints, Known, Report

Mode = Literal["replace", "append"]
State = Literal["internal", "published", "withdrawn"]
ArrivalState = Literal["waiting", "quarantined", "loaded", "rejected"]
Text = Annotated[str, msgspec.Meta(max_length=4_000)]
Short = Annotated[str, msgspec.Meta(max_length=200)]
Texts = dict[str, Text]
"""By language: ko, en."""
LICENCES = {
    "kogl-1": "https://www.kogl.or.kr/info/license.do#01-tab",
    "kogl-2": "https://www.kogl.or.kr/info/license.do#02-tab",
    "kogl-3": "https://www.kogl.or.kr/info/license.do#03-tab",
    "kogl-4": "https://www.kogl.or.kr/info/license.do#04-tab",
    "cc-by-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "cc0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "odbl-1.0": "https://opendatacommons.org/licenses/odbl/1-0/",
}
"""Licences under which something can be published: Korea Open Government Licence types 1 to 4, and international ones."""
THEMES = ("AGRI", "ECON", "EDUC", "ENER", "ENVI", "GOVE", "HEAL", "INTR", "JUST", "REGI", "SOCI", "TECH", "TRAN")
"""Of the Publications Office's vocabulary `data-theme`, which DCAT-AP asks for."""
RHYTHMS = {
    "CONT": 3_600.0, "HOURLY": 3_600.0, "DAILY": 86_400.0, "WEEKLY": 7 * 86_400.0, "MONTHLY": 31 * 86_400.0,
    "QUARTERLY": 92 * 86_400.0, "ANNUAL": 366 * 86_400.0, "IRREG": None, "NEVER": None,
}  # fmt: skip
"""Of the vocabulary `frequency`, with the seconds within which something new is due."""
_ID = re.compile(r"[a-z][a-z0-9_]{0,62}")
RESERVED = frozenset({"observation", "rolled", "loaded"})


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a data set promises whoever builds on it: columns, and that it is never older than `fresh_s` (0: nothing is said)."""

    columns: list[Known] = []
    fresh_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class Persons(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How people hide in a data set whose rows are about them: `hidden` columns name them; rows show where at least `k` are alike in the
    `quasi` columns, with `l` different values of each `sensitive` one."""

    hidden: list[str] = []
    quasi: list[str] = []
    sensitive: list[str] = []
    k: Annotated[int, msgspec.Meta(ge=2, le=1_000)] = 5
    l: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1  # noqa: E741 - the name of the field's standard term


class Described(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says of a data set. `persons`: None where no row is about a person."""

    title: Texts
    about: Texts = {}
    owner: Short = ""
    purpose: Texts = {}
    licence: Short = ""
    rhythm: Short = "IRREG"
    themes: list[str] = []
    keywords: Annotated[list[Short], msgspec.Meta(max_length=50)] = []
    model: Short = ""
    contract: Contract = Contract()
    persons: Persons | None = None
    mode: Mode = "replace"

    def check(self) -> None:
        """Raises BadRequest."""
        if not any(text.strip() for text in self.title.values()):
            raise BadRequest("a title, in one language at least", reason="dataset_title")
        if not {*self.title, *self.about, *self.purpose} <= {"ko", "en"}:
            raise BadRequest("texts: ko, en", reason="dataset_texts")
        if self.licence and self.licence not in LICENCES:
            raise BadRequest(f"licence: one of {', '.join(LICENCES)}", reason="dataset_licence")
        if self.rhythm not in RHYTHMS or not set(self.themes) <= set(THEMES):
            raise BadRequest(
                f"rhythm: one of {', '.join(RHYTHMS)}; themes: of {', '.join(THEMES)}", reason="dataset_terms"
            )


class Dataset(msgspec.Struct, frozen=True):
    """`columns`: those of its table by now; `report`: of the latest file in it; `shown`: of the version that everybody sees."""

    id: str
    told: Described
    columns: list[Known]
    rows: int
    report: Report | None
    shown: Report | None
    state: State
    version: int
    made_by: str
    made_at: datetime
    loaded_at: datetime | None
    issued_at: datetime | None
    changed_at: datetime

    def title(self, language: str) -> str:
        """In that language, else in the other."""
        return spoken(self.told.title, language) or self.id

    def about(self, language: str) -> str:
        return spoken(self.told.about, language)


class Arrival(msgspec.Struct, frozen=True):
    """A file that came for a data set."""

    id: str
    dataset: str
    name: str
    source: str
    size_bytes: int
    sha256: str
    hints: Hints
    state: ArrivalState
    report: Report | None
    sent_by: str
    sent_at: datetime
    decided_by: str
    why: str
    done_at: datetime | None


def spoken(texts: Mapping[str, str], language: str) -> str:
    """The text in a language, else in the other one; empty without any."""
    korean, english = texts.get("ko", ""), texts.get("en", "")
    return (korean or english) if language == "ko" else (english or korean)


def check_id(text: str) -> str:
    """Raises BadRequest for what cannot name a table."""
    if not _ID.fullmatch(text) or text in RESERVED:
        raise BadRequest("an id: small letters, digits and _, at most 63, a letter first", reason="dataset_id")
    return text


def is_late(told: Described, loaded_at: datetime | None, now: datetime) -> float:
    """By how many seconds it is older than its contract allows; 0 or less: it is not."""
    if not told.contract.fresh_s or loaded_at is None:
        return 0.0
    return (now - loaded_at).total_seconds() - told.contract.fresh_s
