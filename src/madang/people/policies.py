"""/madang/v1/policies: the rules in force, and what somebody could see or do under them. For administrators and auditors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from madang.base.errors import BadRequest, NotFound
from madang.context.store import Store
from madang.people.http import Handler, Request, Response
from madang.trust.caller import Caller, Claim
from madang.trust.policy.gate import Gate
from madang.trust.policy.ruling import Ruling
from madang.trust.policy.simulation import Question, of_entities, of_entity, of_subject
from madang.trust.policy.subjects import Grant

GrantsOf = Callable[[str], Awaitable[tuple[Grant, ...]]]
_JSON = frozenset({"application/json"})


class PolicyDoor:
    """Handlers of the policies. `grants_of` an installed app, none for another."""

    def __init__(self, gate: Gate, store: Store, grants_of: GrantsOf) -> None:
        self._gate, self._store, self._grants_of = gate, store, grants_of
        self.table: dict[str, dict[str, Handler]] = {
            "policies": {"GET": self._list},
            "policies/simulate": {"POST": self._simulate},
        }

    async def _list(self, request: Request) -> Response:
        request.caller.require("read", "policies")
        ruling = self._gate.ruling
        policies = [
            {
                "id": one.id,
                "effect": one.effect,
                "told": one.told,
                "file": one.file,
                "line": one.line,
                "source": one.text,
            }
            for one in ruling.source.policies
        ]
        return Response.json(
            {
                "hash": ruling.source.hash,
                "policies": policies,
                "groups": ruling.source.groups,
                "departments": msgspec.to_builtins(ruling.source.departments),
                "areas": sorted(ruling.source.areas),
            }
        )

    async def _simulate(self, request: Request) -> Response:
        """Raises Forbidden, BadRequest, NotFound."""
        request.caller.require("read", "policies")
        try:
            question = msgspec.convert(await request.json(_JSON), Question)
        except msgspec.ValidationError as error:
            raise BadRequest(str(error)) from None
        return Response.json(await self.simulated(question) | {"hash": self._gate.ruling.source.hash})

    @property
    def ruling(self) -> Ruling:
        """The policies in force."""
        return self._gate.ruling

    async def simulated(self, question: Question) -> dict[str, Any]:
        """Raises BadRequest, NotFound."""
        return await self._answer(question, self._gate.caller(await self._claim(question)))

    async def _claim(self, question: Question) -> Claim:
        principal = question.principal.principal()
        granted = question.grants
        if granted is not None:
            return Claim(principal, tuple(one.grant() for one in granted), question.tenant)
        grants = await self._grants_of(principal.id) if principal.kind == "app" else ()
        return Claim(principal, grants, question.tenant)

    async def _answer(self, question: Question, caller: Caller) -> dict[str, Any]:
        what, action = question.resource, question.action
        if sum(map(bool, (what.service, what.command, what.entity, what.type))) > 1:
            raise BadRequest("resource: one of service, command, entity, type")
        if (action == "command") != bool(what.command) or (action == "manage" and not what.service):
            raise BadRequest(f"{action} is not about such a resource")
        if what.service or what.command:
            return of_subject(caller, action, what.service or what.command)
        if what.entity:
            rows = await self._store.list_by_id([what.entity])
            if not rows or question.tenant:
                raise NotFound(f"no entity {what.entity} in the default tenant")
            return of_entity(caller, action, rows[0].entity)
        return of_entities(caller, action, (what.type,) if what.type else ())
