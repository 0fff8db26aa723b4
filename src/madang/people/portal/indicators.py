"""`/data/indicators`: how the city does by indicators that other cities have, too; each value with where it is from."""

from __future__ import annotations

import math
from typing import Any

import aiohttp
import msgspec

from madang.base.errors import BadRequest, NotFound, Unavailable
from madang.base.limits import UPSTREAM_BODY_MAX_BYTES, UPSTREAM_TIMEOUT_S
from madang.engine.outward import Network, open_session, read_bounded
from madang.lake.indicators.definition import Definition, every, get
from madang.lake.indicators.values import Value, Values
from madang.people.http import Response
from madang.people.identity.doors import Door, Table
from madang.people.identity.pages import go, page
from madang.people.identity.visit import Browsers, Visit
from madang.people.portal.charts import trend
from madang.people.store.doors import whole
from madang.trust.identity.house import Identity


class IndicatorsDoor(Door):
    """Everybody may look; who manages data sets enters what cannot be computed. `allowed`: private networks where peers may be."""

    def __init__(
        self, identity: Identity, browsers: Browsers, values: Values, allowed: tuple[Network, ...] = ()
    ) -> None:
        super().__init__(identity, browsers)
        self._values, self._reachable = values, allowed

    @property
    def table(self) -> Table:
        return {
            "data/indicators": {"GET": self.page(self._scorecard)},
            "data/indicators/*": {"GET": self.page(self._one), "POST": self.page(self._enter)},
        }

    async def _scorecard(self, visit: Visit) -> Response:
        """`set` of indicators; `with`: a peer city's address, for whoever manages data sets."""
        name = visit.request.query.get("set", "u4ssc")
        if name not in every():
            raise NotFound("there is no such set", reason="indicator_none")
        peer = visit.request.query.get("with", "").strip().rstrip("/")
        found = await self._values.latest([one.code for one in every()[name].indicator])
        other = await self._peer(visit, peer, name) if peer else {}
        rows = [_row(one, found.get(one.code), other.get(one.code), visit.language) for one in every()[name].indicator]
        is_manager = bool(visit.person) and self.browsers.gate.known_as(visit.claim()).may("manage", "datasets")
        return page(
            visit,
            "portal/indicators",
            set=name,
            sets=sorted(every()),
            rows=rows,
            known=len(found),
            peer=peer,
            is_manager=is_manager,
        )

    async def _one(self, visit: Visit) -> Response:
        one = get(visit.request.parts[2])
        series = await self._values.series(one.code)
        may = visit.person is not None and self.browsers.gate.known_as(visit.claim()).may("manage", "datasets")
        return page(
            visit,
            "portal/indicator",
            one=one,
            name=one.name["ko" if visit.language == "ko" else "en"],
            method=one.method.get("ko" if visit.language == "ko" else "en", ""),
            series=series,
            line=trend([(each.year, each.value) for each in series]),
            may_enter=may and not one.formula,
        )

    async def _enter(self, visit: Visit) -> Response:
        form, person, code = await self.browsers.form(visit), self.manager(visit, "datasets"), visit.request.parts[2]
        year, value = whole(form.get("year", ""), 1900, 2200, "year"), _number(form.get("value", ""))
        confidence: Any = form.get("confidence", "")
        act = self._values.enter(code, year, value, form.get("source", ""), confidence, f"person:{person.id}")
        await self.acted(person, "indicator.enter", f"{code} {year}", act)
        return go(visit, f"/data/indicators/{code}")

    async def _peer(self, visit: Visit, address: str, name: str) -> dict[str, float]:
        """The last value of each indicator of another city, of its JSON-stat. Raises Unavailable, BadRequest."""
        self.manager(visit, "datasets")
        if not address.startswith(("https://", "http://")):
            raise BadRequest("an address, please", reason="indicator_peer")
        timeout = aiohttp.ClientTimeout(total=UPSTREAM_TIMEOUT_S)
        try:
            async with (
                open_session(self._reachable, timeout=timeout) as session,
                session.get(f"{address}/open/indicators/{name}.json", allow_redirects=False) as answer,
            ):
                body = await read_bounded(answer, UPSTREAM_BODY_MAX_BYTES)
            return last_values(msgspec.json.decode(body)) if answer.status == 200 else {}
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError, TypeError, IndexError):
            raise Unavailable("that city does not tell its indicators", reason="indicator_peer") from None


def last_values(told: Any) -> dict[str, float]:
    """Of JSON-stat by indicator and year: the last year's that is there. Raises KeyError, TypeError, IndexError. Pure."""
    codes = list(told["dimension"]["indicator"]["category"]["index"])
    years = len(told["dimension"]["year"]["category"]["index"])
    found: dict[str, float] = {}
    for place, code in enumerate(codes):
        there = [one for one in told["value"][place * years : (place + 1) * years] if isinstance(one, int | float)]
        found |= {str(code): float(there[-1])} if there else {}
    return found


def _row(one: Definition, value: Value | None, other: float | None, language: str) -> dict[str, Any]:
    verdict = ""
    if value is not None and other is not None and one.better and value.value != other:
        verdict = "ahead" if (value.value > other) == (one.better == "more") else "behind"
    name = one.name["ko" if language == "ko" else "en"]
    return {
        "code": one.code,
        "name": name,
        "unit": one.unit,
        "value": value,
        "other": other,
        "verdict": verdict,
        "is_computed": bool(one.formula),
    }


def _number(text: str) -> float:
    """Raises BadRequest."""
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadRequest("value: a number", reason="indicator_form")
    return value
