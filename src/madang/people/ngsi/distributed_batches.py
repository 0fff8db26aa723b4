"""Batches that other brokers have a part in: one request to each (clauses 5.6.7 to 5.6.10, 5.6.20, 5.6.21)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from madang.base.errors import MadangError
from madang.federation.peers import Call
from madang.model.context import Context
from madang.model.entity import META, Entity, parse_entity
from madang.model.kinds import check_id
from madang.model.registration import Registration
from madang.model.render import Form
from madang.model.sources import Spec, narrowed
from madang.model.splitting import Split, split, split_whole
from madang.people.http import Handler, Request, Response, encode
from madang.people.ngsi.distributed_writes import DistributedWrites, cut, payload_for
from madang.people.ngsi.merges import is_simplified
from madang.people.ngsi.parameters import link_context, read_list
from madang.people.ngsi.queries import names, query_of
from madang.people.ngsi.shared_outcomes import (
    Part,
    answer_of,
    entity_error,
    objects_in,
    of_local,
    of_refusal,
    of_reply,
    texts_in,
)
from madang.people.ngsi.sharing import Sharing, parameters


@dataclass
class _Plan:
    """What goes where: to this broker, to each source in one context, and what nobody may do."""

    local: list[Any] = field(default_factory=list)
    bodies: dict[tuple[str, str | None], list[Any]] = field(default_factory=dict)
    ids: dict[tuple[str, str | None], list[str]] = field(default_factory=dict)
    registrations: dict[str, Registration] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    order: list[str] = field(default_factory=list)

    def put(self, registration: Registration, url: str | None, identifier: str, body: Any) -> None:
        key = (registration.id, url)
        self.registrations[registration.id] = registration
        self.bodies.setdefault(key, []).append(body)
        self.ids.setdefault(key, []).append(identifier)


class DistributedBatches:
    """Makes handlers of batches that share them out."""

    def __init__(self, sharing: Sharing, writes: DistributedWrites) -> None:
        self._sharing, self._writes = sharing, writes

    def of(self, operation: str, name: str, local: Handler) -> Handler:
        """`name` is the resource below entityOperations."""

        async def handle(request: Request) -> Response:
            return await self._run(request, operation, name, local)

        return handle

    async def _run(self, request: Request, operation: str, name: str, local: Handler) -> Response:
        request.caller.require_whole("write")
        origin = self._sharing.origin(request)
        plan = await self._plan(request, operation)
        if not plan.bodies and not plan.errors:
            return await local(request)
        created: list[str] = []
        if plan.local:
            part = of_local(await local(request.with_body(encode(plan.local))))
            created += part.body if part.status == 201 else []
            plan.errors += part.body["errors"] if part.status == 207 else []
        given = {key: request.query.get(key) for key in ("options", "observedAt", "lang", "format", "type")}
        calls = [
            Call(plan.registrations[key[0]], "POST", f"entityOperations/{name}",
                 parameters(plan.registrations[key[0]], **given), body, key[1])
            for key, body in plan.bodies.items()
        ]  # fmt: skip
        replies = await self._sharing.ask(calls, origin)
        elsewhere: set[str] = set()
        for ids, call, reply in zip(plan.ids.values(), calls, replies, strict=True):
            part = of_reply(call.registration, reply)
            failed = _errors_of(part, ids)
            plan.errors += failed
            fine = set(ids) - {one.get("entityId") for one in failed}
            elsewhere |= fine if call.registration.is_proxied else set()
            if reply.status == 201:
                created += texts_in(reply.body) or ids
        errors = [one for one in plan.errors if not (operation == "deleteBatch" and _is_missing(one, elsewhere))]
        if errors:
            bad = {one["entityId"] for one in errors}
            return Response.json({"success": [one for one in plan.order if one not in bad], "errors": errors}, 207)
        made = [one for one in plan.order if one in created]
        return Response.json(made, 201) if made else Response(204)

    async def _plan(self, request: Request, operation: str) -> _Plan:
        items, plan = await read_list(request, self._sharing.broker.contexts), _Plan()
        ids = [str(item.get("id", "")) if isinstance(item, dict) else str(item) for item, _ in items]
        types = await self._writes.types_of(set(ids))
        for identifier, (item, context) in zip(ids, items, strict=True):
            plan.order.append(identifier)
            try:
                if isinstance(context, MadangError):
                    raise context
                await self._place(request, operation, plan, item, context, types.get(identifier, []))
            except MadangError:
                plan.local.append(item)  # refused there as in any batch
        return plan

    async def _place(
        self, request: Request, operation: str, plan: _Plan, item: Any, context: Context, types: list[str]
    ) -> None:
        simplified = operation == "mergeBatch" and is_simplified(request.query)
        entity = (
            Entity(check_id(item), types, {})
            if operation == "deleteBatch"
            else parse_entity(item, context, simplified=simplified)
        )
        known = self._writes.registrations(request, entity.id, entity.types, context)
        found: Split = (
            split_whole(entity.id, entity.types, known, operation)
            if operation == "deleteBatch"
            else split(entity.id, entity.types, entity.body, known, operation)
        )
        for share in found.shares:
            own, url = await self._sharing.names_for(request, share.registration, context)
            form = Form("simplified" if simplified else "normalized", context=own)
            body = item if operation == "deleteBatch" else payload_for(item, entity, share, context, form)
            plan.put(share.registration, url, entity.id, body)
        plan.errors += [entity_error(entity.id, of_refusal(one.registration, operation)) for one in found.refused]
        if found.local is not None:
            plan.local.append(item if operation == "deleteBatch" else cut(item, context, found.local | META))

    async def purge(self, request: Request, local: Handler) -> Response:
        """Clause 5.6.21: each source loses what it registered and the query means."""
        request.caller.require_whole("write")
        origin = self._sharing.origin(request)
        context = await self._sharing.broker.contexts.get(link_context(request))
        query = query_of(request.query, context)
        spec = Spec(query.ids, query.id_pattern, query.types, query.attrs)
        calls = []
        for known in self._sharing.sources(request, spec, context):
            one = known.registration
            for part in narrowed(one, spec) if one.supports("purgeEntity") and one.mode != "auxiliary" else []:
                calls.append(await self._purge_call(request, one, part, context))
        parts = [of_local(await local(request))]
        replies = await self._sharing.ask(calls, origin)
        parts += [of_reply(call.registration, reply) for call, reply in zip(calls, replies, strict=True)]
        return answer_of("", parts, Response(204))

    async def _purge_call(self, request: Request, one: Registration, part: Spec, context: Context) -> Call:
        own, url = await self._sharing.names_for(request, one, context)
        given = {
            key: request.query.get(key) for key in ("q", "scopeQ", "georel", "geometry", "coordinates", "geoproperty")
        }
        given |= {key: request.query.get(key) for key in ("drop", "keep")}
        registered = frozenset().union(*(info.names for info in one.information))
        if registered and not given["drop"]:
            # A source of some attributes does not lose the whole entity.
            kept = frozenset(names(given.pop("keep"), context))
            given["drop"] = ",".join(own.compact(name) for name in sorted(registered - kept))
        given |= {
            "type": ",".join(map(own.compact, part.types)),
            "id": ",".join(part.ids),
            "idPattern": part.id_pattern,
        }
        return Call(one, "DELETE", "entities", parameters(one, **given), None, url)


def _errors_of(part: Part, ids: list[str]) -> list[dict[str, Any]]:
    if part.ok:
        return []
    told = part.body.get("errors", []) if part.status == 207 and isinstance(part.body, dict) else None
    if told is None:
        return [entity_error(identifier, part) for identifier in ids]
    source = part.registration.id if part.registration is not None else ""
    return [one | {"registrationId": source} for one in objects_in(told) if one.get("entityId") in ids]


def _is_missing(error: dict[str, Any], elsewhere: set[str]) -> bool:
    return "registrationId" not in error and error["entityId"] in elsewhere and error["error"].get("status") == 404
