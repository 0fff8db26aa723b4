"""/madang/v1/replay: the last day of the city to be seen again, cut to what the caller may see of the past."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from madang.base.clock import from_iso, to_iso
from madang.base.errors import BadRequest, Unavailable
from madang.base.limits import QUERY_MAX_PAGE, REPLAY_EVERY_MAX_S, REPLAY_TYPES_MAX, REPLAY_WINDOW_MAX_S
from madang.context.query import Cursor, Query
from madang.context.row import Row
from madang.history.replay import Replay
from madang.model.change import Change
from madang.model.context import CORE
from madang.model.entity import Entity
from madang.model.render import Form, render
from madang.people.http import Handler, Request, Response
from madang.people.logs import tell
from madang.people.ngsi.broker import Broker
from madang.trust.caller import Caller

_FORM = Form("concise")


class ReplayDoor:
    """Who may read the past of a type may see it again."""

    def __init__(self, broker: Broker | None = None, replay: Replay | None = None) -> None:
        self._parts = broker, replay

    @property
    def _broker(self) -> Broker:
        return self._there()[0]

    @property
    def _replay(self) -> Replay:
        return self._there()[1]

    def _there(self) -> tuple[Broker, Replay]:
        """Raises Unavailable."""
        broker, replay = self._parts
        if broker is None or replay is None:
            raise Unavailable("no log is kept here")
        return broker, replay

    @property
    def table(self) -> dict[str, dict[str, Handler]]:
        return {
            "replay": {"GET": self._changes},
            "replay/span": {"GET": self._span},
            "replay/state": {"GET": self._state},
        }

    async def _span(self, request: Request) -> Response:
        request.caller.require("read", "status")
        since, until = await self._replay.span()
        return Response.json({"since": to_iso(since), "until": to_iso(until)})

    async def _changes(self, request: Request) -> Response:
        given, caller = request.query, request.caller
        query = self._asked(caller, given)
        since, until = _moment(given, "since"), _moment(given, "until")
        if not timedelta(0) <= until - since <= timedelta(seconds=REPLAY_WINDOW_MAX_S):
            raise BadRequest(f"until lies after since, by {REPLAY_WINDOW_MAX_S} s at most")
        changes, whole = await self._replay.between(since, until, query.types, _seconds(given, "every_s"))
        told = await tell(self._broker.store, caller.sight("history"), changes, _FORM)
        return Response.json({"since": to_iso(since), "until": to_iso(whole), "changes": told})

    async def _state(self, request: Request) -> Response:
        """What was true at a moment: what was said just before it, over what is true now and has not changed since."""
        given, caller = request.query, request.caller
        query, at = self._asked(caller, given), _moment(given, "at")
        text = to_iso(at)
        said = await self._said(caller, await self._replay.said_before(at, query.types))
        rows = [row async for row in self._rows(query) if row.stamps.created <= text]
        found = {row.entity.id: _as_it_was(caller, row, text) for row in rows}
        entities = {name: found.get(name, {}) | said.get(name, {}) for name in {**found, **said}}
        return Response.json({"at": to_iso(at), "entities": list(entities.values())})

    async def _said(self, caller: Caller, changes: list[Change]) -> dict[str, dict[str, Any]]:
        """What the caller may see of what each entity said last; of one that has ended nothing."""
        said: dict[str, dict[str, Any]] = {}
        for one in await tell(self._broker.store, caller.sight("history"), changes, _FORM):
            told = one["entity"]
            if one["op"] == "d":
                said.pop(told["id"], None)
            else:
                merged = said.get(told["id"], {}) | told
                said[told["id"]] = {name: value for name, value in merged.items() if value is not None}
        return said

    def _asked(self, caller: Caller, given: Mapping[str, str]) -> Query:
        """Raises BadRequest, Forbidden."""
        types = [name for name in given.get("types", "").split(",") if name]
        if not 1 <= len(types) <= REPLAY_TYPES_MAX:
            raise BadRequest(f"types: 1 to {REPLAY_TYPES_MAX} names, with commas between")
        query = Query(types=tuple(CORE.expand(name) for name in types), limit=QUERY_MAX_PAGE)
        return self._broker.restrict(caller, query, "history")

    async def _rows(self, query: Query) -> AsyncIterator[Row]:
        after: Cursor | None = None
        while True:
            page = await self._broker.store.find(replace(query, after=after))
            for row in page.rows:
                yield row
            if not page.more:
                return
            after = page.last


def _as_it_was(caller: Caller, row: Row, at: str) -> dict[str, Any]:
    """The attributes that have not changed since `at`, text as the broker writes times."""
    kept = {name: value for name, value in row.entity.body.items() if _changed(value, row) <= at}
    entity = Entity(row.entity.id, row.entity.types, kept)
    return render(entity, caller.sight("history").form(row.entity, _FORM))


def _changed(attribute: Any, row: Row) -> str:
    instances = attribute if isinstance(attribute, list) else [attribute]
    times = [one["modifiedAt"] for one in instances if isinstance(one, dict) and "modifiedAt" in one]
    return str(max(times, default=row.stamps.modified))


def _moment(given: Mapping[str, str], name: str) -> datetime:
    try:
        return from_iso(given[name])
    except (KeyError, ValueError):
        raise BadRequest(f"{name}: a time, ISO 8601") from None


def _seconds(given: Mapping[str, str], name: str) -> float:
    try:
        seconds = float(given.get(name, "0"))
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= REPLAY_EVERY_MAX_S:
        raise BadRequest(f"{name}: seconds, 0 to {REPLAY_EVERY_MAX_S}")
    return seconds
