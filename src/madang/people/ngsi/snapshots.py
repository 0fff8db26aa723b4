"""/snapshots and what lies below (clauses 5.16, 6.36 to 6.38)."""

from __future__ import annotations

import asyncio
import uuid
from functools import partial
from typing import Any
from urllib.parse import quote

from madang.base.clock import to_iso
from madang.base.errors import BadRequest, NotFound, Unavailable
from madang.base.limits import SNAPSHOT_LIFETIME_MAX_S, SNAPSHOT_LIFETIME_S
from madang.context.copies import DEFAULT_PRIORITY, PREPARING, QUERIES, Copies, Copy
from madang.context.copying import Details, Maker, clone
from madang.context.delivery import FAILED, Delivery
from madang.context.query import Query
from madang.engine.sealing import hide_body
from madang.model.context import CORE
from madang.model.endpoint import parse_endpoint
from madang.model.evaluate import satisfies
from madang.model.kinds import NULL, check_id
from madang.model.query import parse_query
from madang.model.render import Form
from madang.people.http import Request, Response
from madang.people.ngsi.asked import PREFIX
from madang.people.ngsi.broker import Broker, attributes_in
from madang.people.ngsi.entities import NO_CONTENT
from madang.people.ngsi.lifetimes import until
from madang.people.ngsi.parameters import accepted_json, answer, link_context, read_payload
from madang.people.ngsi.snapshot_door import Keeping, SnapshotDoor
from madang.people.ngsi.snapshot_queries import Filling

_SAID = ("snapshotLifetime", "snapshotPriority", "endpoint", "receiverInfo")
_OUTPUT = ("snapshotStatus", *QUERIES.values(), "createdAt", "modifiedAt", "expiresAt", "lastUsedAt")
MEMBERS = frozenset({"id", "type", *_SAID, *QUERIES, *_OUTPUT})
PAUSES_S = (0.0, 0.5, 2.0)


class SnapshotResources:
    """Handlers of the snapshots of one tenant. To make and to drop them is for people with the right to write."""

    def __init__(self, broker: Broker, keeping: Keeping, copies: Copies, filling: Filling) -> None:
        self._broker, self._keeping, self._copies, self._filling = broker, keeping, copies, filling
        self._maker = Maker(keeping.pool, copies, keeping.prepare, self._tell)
        self.door = SnapshotDoor(copies, keeping)
        self._delivery = Delivery()
        self._telling: set[asyncio.Task[None]] = set()

    async def create(self, request: Request) -> Response:
        request.caller.require("write", "snapshots")
        data, context = await read_payload(request, self._broker.contexts)
        if not isinstance(data, dict) or data.get("type") != "Snapshot":
            raise BadRequest('a snapshot has "type": "Snapshot"')
        plan = self._filling.plan(request, data, context)
        body = _said(data) | {member: data[member] for member in QUERIES if member in data}
        return await self._begin(data, body, lambda copy: self._filling.fill(copy, plan))

    async def clone(self, request: Request) -> Response:
        request.caller.require("write", "snapshots")
        source = await self._copies.get(check_id(request.parts[1]))
        data, _ = await read_payload(request, self._broker.contexts)
        _check_fragment(data)
        if source.status == PREPARING:
            raise Unavailable("the snapshot is being prepared; try again")
        queries = {member: source.body[member] for member in QUERIES if member in source.body}
        return await self._begin(data, _said(data) | queries, partial(self._clone, source))

    async def _clone(self, source: Copy, target: Copy) -> Details:
        async with self._keeping.pool.acquire() as connection:
            await clone(connection, source, target)
        return source.details

    async def _begin(self, data: dict[str, Any], body: dict[str, Any], fill: Any) -> Response:
        identifier = check_id(data["id"]) if "id" in data else f"urn:ngsi-ld:Snapshot:{uuid.uuid4()}"
        expires = self._expires(body)
        victim = await self._copies.room_for(body.get("snapshotPriority", DEFAULT_PRIORITY))
        await self._maker.begin(identifier, body, expires, fill)
        if victim is not None:
            await self._drop(victim)
        location = f"{PREFIX}/snapshots/{quote(identifier, safe=':')}"
        return Response(201, b"", [(b"Location", location.encode())])

    def _expires(self, body: dict[str, Any]) -> Any:
        asked, now = body.get("snapshotLifetime"), self._copies.clock.now()
        return until(asked, now, SNAPSHOT_LIFETIME_S, SNAPSHOT_LIFETIME_MAX_S)

    async def get(self, request: Request) -> Response:
        request.caller.require("read", "snapshots")
        accepted_json(request)
        copy = await self._copies.get(check_id(request.parts[1]))
        told = shown(copy) if request.caller.may("write", "snapshots") else hide_body(shown(copy))
        return answer(request, told, await self._broker.contexts.get(link_context(request)))

    async def update(self, request: Request) -> Response:
        """Clause 5.16.4."""
        request.caller.require("write", "snapshots")
        accepted_json(request)
        copy = await self._copies.get(check_id(request.parts[1]))
        data, context = await read_payload(request, self._broker.contexts)
        _check_fragment(data)
        if "id" in data:
            raise BadRequest("the id of a snapshot cannot be changed")
        merged = {name: value for name, value in {**copy.body, **_said(data)}.items() if value not in (None, NULL)}
        expires = self._expires(merged) if "snapshotLifetime" in data else copy.expires
        changed = await self._copies.change(copy.id, merged, expires)
        self._tell_later(changed)
        return answer(request, shown(changed), context)

    async def delete(self, request: Request) -> Response:
        request.caller.require("write", "snapshots")
        await self._drop(await self._copies.get(check_id(request.parts[1])))
        return NO_CONTENT

    async def purge(self, request: Request) -> Response:
        """Clause 5.16.7: those whose members satisfy `q`."""
        request.caller.require("write", "snapshots")
        node = parse_query(request.query.get("q", ""), CORE)
        if alien := sorted(attributes_in(Query(q=node)) - MEMBERS):
            raise BadRequest(f"q: a snapshot has no {alien[0][:80]!r}")
        found = [one for one in await self._copies.every() if satisfies(_as_body(one), node)]
        if not found:
            raise NotFound("no snapshot satisfies q")
        for copy in found:
            await self._drop(copy)
        return NO_CONTENT

    async def _drop(self, copy: Copy) -> None:
        await self.door.leave(copy.schema)
        await self._copies.delete(copy)

    async def tidy(self) -> None:
        """Deletes what is over; what nobody makes any more says so."""
        await self._copies.mark_interrupted()
        for copy in await self._copies.over():
            await self._drop(copy)

    async def close(self) -> None:
        await self._maker.stop()
        await self.door.close()
        await self._delivery.close()

    def _tell_later(self, copy: Copy) -> None:
        task = asyncio.create_task(self._tell(copy))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, copy: Copy) -> None:
        """SnapshotNotification (clause 5.16.6), tried a few times."""
        if "endpoint" not in copy.body:
            return
        endpoint = _endpoint(copy.body)
        for pause in PAUSES_S:
            await asyncio.sleep(pause)
            try:
                await self._delivery.post(endpoint, Form(), notice(copy, to_iso(self._copies.clock.now())))
            except FAILED:
                continue
            return


def shown(copy: Copy) -> dict[str, Any]:
    """The Snapshot data type of clause 5.2.41."""
    times = {"createdAt": copy.created, "modifiedAt": copy.modified, "expiresAt": copy.expires, "lastUsedAt": copy.used}
    return {
        "id": copy.id,
        "type": "Snapshot",
        **copy.body,
        "snapshotPriority": copy.priority,
        "snapshotStatus": copy.status,
        **copy.details,
        **{name: to_iso(at) for name, at in times.items()},
    }


def notice(copy: Copy, now: str) -> dict[str, Any]:
    """The SnapshotNotification data type; clause 5.3.4 has a name of its own for the results of temporal queries."""
    renamed = {"snapshotTemporalQueriesDetails": "temporalSnapshotQueriesDetails"}
    return {
        "id": f"urn:ngsi-ld:SnapshotNotification:{uuid.uuid4()}",
        "type": "SnapshotNotification",
        "notifiedAt": now,
        "snapshotId": copy.id,
        "snapshotStatus": copy.status,
        "snapshotPriority": copy.priority,
        "expiresAt": to_iso(copy.expires),
        **{renamed.get(name, name): value for name, value in copy.details.items()},
    }


def _said(data: dict[str, Any]) -> dict[str, Any]:
    """What a client says of a snapshot besides its queries. Raises BadRequest."""
    said = {name: data[name] for name in _SAID if name in data}
    priority = said.get("snapshotPriority", DEFAULT_PRIORITY)
    if priority not in (None, NULL) and (isinstance(priority, bool) or priority not in range(1, 11)):
        raise BadRequest("snapshotPriority is a whole number from 1 to 10")
    if said.get("endpoint") not in (None, NULL):
        _endpoint(said)
    elif said.get("receiverInfo") not in (None, NULL):
        _endpoint(said | {"endpoint": "http://localhost"})
    return said


def _endpoint(body: dict[str, Any]) -> Any:
    receiver = {"receiverInfo": body["receiverInfo"]} if "receiverInfo" in body else {}
    return parse_endpoint({"uri": body["endpoint"]} | receiver)


def _check_fragment(data: Any) -> None:
    """Raises BadRequest: the queries of a snapshot are said once."""
    if not isinstance(data, dict) or data.get("type", "Snapshot") != "Snapshot":
        raise BadRequest('a snapshot has "type": "Snapshot"')
    if not data.keys().isdisjoint(QUERIES):
        raise BadRequest("the queries of a snapshot are said when it is made")


def _as_body(copy: Copy) -> dict[str, Any]:
    return {name: {"type": "Property", "value": value} for name, value in shown(copy).items()}
