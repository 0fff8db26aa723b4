"""/madang/v1/privacy: what has to happen to data about people before it goes anywhere: masking, checking, releasing figures."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from madang.base.clock import Clock, to_iso
from madang.base.errors import BadRequest, Forbidden, NotFound, TooLarge
from madang.base.limits import (
    PRIVACY_COLUMNS_MAX,
    PRIVACY_PLACES_MAX,
    PRIVACY_REQUEST_MAX_CHARS,
    PRIVACY_ROWS_MAX,
    PRIVACY_TEXTS_MAX,
)
from madang.people.http import Handler, Request, Response
from madang.trust.audit.recorder import Recorder
from madang.trust.privacy.anonymity import assess
from madang.trust.privacy.coarsen import coarsen_place, coarsen_time
from madang.trust.privacy.detect import detect
from madang.trust.privacy.ledger import Ledger
from madang.trust.privacy.masking import mask
from madang.trust.privacy.release import Measure, Question, answer, check

JSON = frozenset({"application/json"})
Cell = str | int | float | bool | None
Columns = Annotated[dict[str, list[Cell]], msgspec.Meta(min_length=1, max_length=PRIVACY_COLUMNS_MAX)]


class Places(msgspec.Struct, forbid_unknown_fields=True):
    coordinates: Annotated[list[tuple[float, float]], msgspec.Meta(max_length=PRIVACY_PLACES_MAX)]
    cell_m: float = 500.0


class Times(msgspec.Struct, forbid_unknown_fields=True):
    values: Annotated[list[datetime], msgspec.Meta(max_length=PRIVACY_PLACES_MAX)]
    step_s: int = 3_600


class Masking(msgspec.Struct, forbid_unknown_fields=True):
    texts: Annotated[list[str], msgspec.Meta(max_length=PRIVACY_TEXTS_MAX)] = []
    style: Literal["label", "format"] = "label"
    lang: Literal["en", "ko"] = "en"
    places: Places | None = None
    times: Times | None = None


class Checking(msgspec.Struct, forbid_unknown_fields=True):
    columns: Columns
    quasi: Annotated[list[str], msgspec.Meta(min_length=1, max_length=10)]
    sensitive: Annotated[list[str], msgspec.Meta(max_length=10)] = []
    k: Annotated[int, msgspec.Meta(ge=2, le=1_000)] = 5


class Releasing(msgspec.Struct, forbid_unknown_fields=True):
    dataset: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    columns: Columns
    person: str
    measure: Measure
    epsilon: float
    value: str | None = None
    rows_per_person: int = 1
    lower: float = 0.0
    upper: float = 0.0
    categories: Annotated[list[str], msgspec.Meta(max_length=1_000)] = []
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


class Privacy:
    """What the handlers need: the budgets, the city's grid (an EPSG code in metres) and its time zone."""

    def __init__(self, ledger: Ledger, epsg: int, zone: ZoneInfo, clock: Clock) -> None:
        self.ledger, self.epsg, self.zone, self.clock = ledger, epsg, zone, clock


class PrivacyDoor:
    """Handlers of the privacy resources. One request computes at a time, beside the loop."""

    def __init__(self, privacy: Privacy | None, recorder: Recorder) -> None:
        self._given, self._recorder = privacy, recorder
        self._turn = asyncio.Lock()
        self.table: dict[str, dict[str, Handler]] = {
            "privacy/mask": {"POST": self._mask},
            "privacy/check": {"POST": self._check},
            "privacy/release": {"POST": self._release},
        }

    @property
    def _privacy(self) -> Privacy:
        if self._given is None:
            raise NotFound("this door has no privacy tools")
        return self._given

    async def _mask(self, request: Request) -> Response:
        request.caller.require("manage", "privacy")
        asked = await _body(request, Masking)
        if sum(map(len, asked.texts)) > PRIVACY_REQUEST_MAX_CHARS:
            raise TooLarge(f"texts of one request may have {PRIVACY_REQUEST_MAX_CHARS} characters together")
        return Response.json(await self._apart(self._masked, asked))

    def _masked(self, asked: Masking) -> dict[str, Any]:
        out: dict[str, Any] = {"texts": [_masked(text, asked) for text in asked.texts]}
        if asked.places is not None:
            cell_m, epsg = asked.places.cell_m, self._privacy.epsg
            out["places"] = [coarsen_place(lon, lat, cell_m, epsg) for lon, lat in asked.places.coordinates]
        if asked.times is not None:
            if any(one.tzinfo is None for one in asked.times.values):
                raise BadRequest("times have an offset from UTC")
            times = [coarsen_time(one, asked.times.step_s, self._privacy.zone) for one in asked.times.values]
            out["times"] = [to_iso(one) for one in times]
        return out

    async def _check(self, request: Request) -> Response:
        request.caller.require("manage", "privacy")
        asked = await _body(request, Checking)
        _bounded(asked.columns)
        found = await self._apart(assess, asked.columns, asked.quasi, asked.sensitive, asked.k)
        return Response.json({"enough": found.k >= asked.k, **msgspec.to_builtins(found)})

    async def _release(self, request: Request) -> Response:
        request.caller.require("manage", "privacy")
        asked = await _body(request, Releasing)
        _bounded(asked.columns)
        persons, values = _column(asked.columns, asked.person), _column(asked.columns, asked.value or asked.person)
        bounds = (asked.rows_per_person, asked.lower, asked.upper, tuple(asked.categories))
        question = Question(asked.measure, asked.epsilon, *bounds)
        check(question, persons, values)
        left = await self._spend(request.caller.name, asked)
        found = await self._apart(answer, question, persons, values)
        return Response.json({**msgspec.to_builtins(found), "epsilon": asked.epsilon, "left": left})

    async def _spend(self, who: str, asked: Releasing) -> float:
        """On record before, and how it ended after; what is left."""
        told = {"measure": asked.measure, "epsilon": f"{asked.epsilon:g}"}
        await self._recorder.before(who, "privacy.release", asked.dataset, asked.reason, **told)
        try:
            return await self._privacy.ledger.spend(asked.dataset, asked.epsilon, self._privacy.clock.now())
        except Forbidden:
            self._recorder.after(who, "privacy.release", asked.dataset, asked.reason, "refused", **told)
            raise

    async def _apart(self, work: Any, *args: Any) -> Any:
        async with self._turn:
            return await asyncio.to_thread(work, *args)


async def _body(request: Request, kind: Any) -> Any:
    try:
        return msgspec.convert(await request.json(JSON), kind)
    except msgspec.ValidationError as error:
        raise BadRequest(str(error)) from None


def _masked(text: str, asked: Masking) -> dict[str, Any]:
    spans = detect(text)
    return {"text": mask(text, spans, asked.style, asked.lang), "spans": msgspec.to_builtins(spans)}


def _column(columns: dict[str, list[Cell]], name: str) -> list[Cell]:
    if name not in columns:
        raise BadRequest(f"the table has no column {name[:200]}")
    return columns[name]


def _bounded(columns: dict[str, list[Cell]]) -> None:
    if any(len(column) > PRIVACY_ROWS_MAX for column in columns.values()):
        raise TooLarge(f"a table may have {PRIVACY_ROWS_MAX} rows")
