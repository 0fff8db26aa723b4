"""/administration: people, their roles and links; for administrators with two factors."""

from __future__ import annotations

from madang.base.errors import BadRequest
from madang.context.tenants import check_tenant_name
from madang.people.http import Response
from madang.people.identity.doors import Door, Table
from madang.people.identity.pages import go, page
from madang.people.identity.visit import Visit
from madang.trust.identity.person import PERSONS_ROLES, checked_email, checked_name, checked_roles

ROLES = sorted(PERSONS_ROLES)


class AdministrationDoor(Door):
    """People: who there is, what they are, how they come back in."""

    @property
    def table(self) -> Table:
        return {
            "administration": {"GET": self.page(self._people)},
            "administration/people": {"POST": self.page(self._invite)},
            "administration/people/*": {"GET": self.page(self._person), "POST": self.page(self._change)},
            "administration/people/*/invite": {"POST": self.page(self._reset)},
            "administration/people/*/sign-out": {"POST": self.page(self._sign_out)},
            "administration/people/*/end": {"POST": self.page(self._end)},
        }

    async def _people(self, visit: Visit) -> Response:
        self.manager(visit, "people")
        return page(visit, "people", people=await self.identity.people.every(), roles=ROLES)

    async def _invite(self, visit: Visit) -> Response:
        """A link for somebody new."""
        actor, form = self.manager(visit, "people"), await self.browsers.form(visit)
        roles = checked_roles(form.get("roles[]", "").split())
        act = self.identity.people.invite(None, roles)
        token = await self.acted(actor, "person.add", f"role:{' '.join(sorted(roles))}", act)
        return self._link(visit, token)

    def _link(self, visit: Visit, token: str) -> Response:
        return page(visit, "link", link=f"{self.identity.issuer}/join/{token}")

    async def _person(self, visit: Visit) -> Response:
        self.manager(visit, "people")
        person = await self.identity.people.find(visit.request.parts[2])
        sessions = await self.identity.sessions.of(person.id)
        return page(visit, "person", person=person, roles=ROLES, sessions=sessions)

    async def _change(self, visit: Visit) -> Response:
        actor, form = self.manager(visit, "people"), await self.browsers.form(visit)
        person_id, roles = visit.request.parts[2], checked_roles(form.get("roles[]", "").split())
        name, email = checked_name(form.get("name", "")), checked_email(form.get("email", ""))
        department = form.get("department", "").strip()
        if len(department) > 100 or not department.isprintable():
            raise BadRequest("a department has at most 100 characters", reason="name_form")
        tenant = form.get("tenant", "").strip()
        check_tenant_name(tenant)
        act = self.identity.people.change(person_id, name, email, roles, department, tenant)
        await self.acted(
            actor, "person.change", f"person:{person_id} {' '.join(sorted(roles))}{tenant and ' at ' + tenant}", act
        )
        return go(visit, f"/administration/people/{person_id}")

    async def _reset(self, visit: Visit) -> Response:
        """A link for somebody who lost what they sign in with."""
        actor, _ = self.manager(visit, "people"), await self.browsers.form(visit)
        person = await self.identity.people.find(visit.request.parts[2])
        act = self.identity.people.invite(person.id)
        return self._link(visit, await self.acted(actor, "person.invite", f"person:{person.id}", act))

    async def _sign_out(self, visit: Visit) -> Response:
        actor, _ = self.manager(visit, "people"), await self.browsers.form(visit)
        person = await self.identity.people.find(visit.request.parts[2])
        await self.acted(actor, "person.sign-out", f"person:{person.id}", self.identity.sessions.end_all(person.id))
        return go(visit, f"/administration/people/{person.id}")

    async def _end(self, visit: Visit) -> Response:
        actor, _ = self.manager(visit, "people"), await self.browsers.form(visit)
        person = await self.identity.people.find(visit.request.parts[2])
        await self.acted(actor, "person.end", f"person:{person.id}", self.identity.people.end(person.id))
        return go(visit, "/administration")
