"""`/administration/policies`: the rules in force as people read them, and what somebody could do under them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast, get_args

from madang.base.errors import BadRequest, MadangError
from madang.people.http import Response
from madang.people.identity.doors import Door, Table
from madang.people.identity.pages import page, told
from madang.people.identity.visit import Browsers, Visit
from madang.people.policies import PolicyDoor
from madang.trust.identity.house import Identity
from madang.trust.identity.person import PERSONS_ROLES, Person
from madang.trust.policy.simulation import Action, Question, What, Who
from madang.trust.principal import Kind

ACTIONS = get_args(Action)
Asked = dict[str, str]
AppNames = Callable[[str], Awaitable[list[tuple[str, str]]]]


class RulesDoor(Door):
    """`app_names`: id and name, in a language, of each installed app."""

    def __init__(self, identity: Identity, browsers: Browsers, policies: PolicyDoor, app_names: AppNames) -> None:
        super().__init__(identity, browsers)
        self._policies, self._app_names = policies, app_names

    @property
    def table(self) -> Table:
        return {"administration/policies": {"GET": self.page(self._show)}}

    async def _show(self, visit: Visit) -> Response:
        self.reader(visit, "policies")
        people = await self.identity.people.every()
        query = visit.request.query
        asked = {name: query.get(name, "") for name in ("who", "action", "what")}
        answer, wrong = None, ""
        if asked["who"]:
            try:
                answer = await self._policies.simulated(question_of(asked, people))
            except MadangError as error:
                wrong = told(visit, error)
        ruling = self._policies.ruling
        return page(
            visit,
            "policies",
            asked=asked,
            answer=answer,
            wrong=wrong,
            people=people,
            roles=sorted(PERSONS_ROLES),
            apps=await self._app_names(visit.language),
            actions=ACTIONS,
            policies=ruling.source.policies,
            hash=ruling.source.hash,
        )


def question_of(asked: Asked, people: list[Person]) -> Question:
    """What the form asks. Raises BadRequest."""
    kind, _, name = asked["who"].partition(":")
    if asked["action"] not in ACTIONS:
        raise BadRequest("no such action")
    action = cast(Action, asked["action"])
    return Question(_who(kind, name, people), action, what_of(action, asked["what"].strip()))


def _who(kind: str, name: str, people: list[Person]) -> Who:
    if kind == "role" and name in PERSONS_ROLES:
        return Who("person", "somebody", [name])
    if kind == "app":
        return Who(cast(Kind, kind), name, ["app"])
    for person in people if kind == "person" else ():
        if person.id == name:
            return Who("person", person.id, sorted(person.roles), department=person.department)
    raise BadRequest("nobody of that name")


def what_of(action: str, text: str) -> What:
    """A service, a kind of command, an entity or a type, by how it is written."""
    service = text.removeprefix("service:")
    if service != text:
        return What(service=service)
    if action == "command":
        return What(command=text)
    return What(entity=text) if ":" in text and not text.startswith("http") else What(type=text)
