"""Signing in elsewhere and coming back, linking an account there to one's own, and the administrator's list of providers."""

from __future__ import annotations

from madang.base.errors import BadRequest, Forbidden
from madang.people.http import Response
from madang.people.identity.doors import Door, Table
from madang.people.identity.pages import go, page
from madang.people.identity.sign_in import open_session
from madang.people.identity.visit import Visit, local_path, once_each
from madang.trust.identity.clients import check_uri
from madang.trust.identity.outward import Returned
from madang.trust.identity.person import (
    PERSONS_ROLES,
    STRONG_ROLES,
    checked_login,
    checked_name,
    checked_roles,
    may_change_factors,
)
from madang.trust.identity.secrets import new_id

GUEST_ROLES = sorted(PERSONS_ROLES - STRONG_ROLES)


class ElsewhereDoor(Door):
    """`/sign-in/with/{id}`, `/sign-in/from`, `/administration/providers`."""

    @property
    def table(self) -> Table:
        return {
            "sign-in/with/*": {"GET": self.page(self._out)},
            "sign-in/from": {"GET": self.page(self._back)},
            "administration/providers": {"GET": self.page(self._list), "POST": self.page(self._add)},
            "administration/providers/*/end": {"POST": self.page(self._remove)},
        }

    async def _out(self, visit: Visit) -> Response:
        query, link = visit.request.query, ""
        if "link" in query:
            person, session = visit.who()
            held = person.totp is not None or bool(await self.identity.passkeys.of(person.id))
            if not may_change_factors(session.methods, held):
                raise Forbidden("sign in with the second factor first", reason="needs_second_factor")
            link = person.id
        onward = local_path(query.get("next"))
        return go(visit, await self.identity.outward.begin(visit.request.parts[2], visit.form_key, onward, link))

    async def _back(self, visit: Visit) -> Response:
        given = once_each(visit.request.raw_query.decode("latin-1"))
        returned = await self.identity.outward.finish(visit.form_key, given)
        person_id = await self._whose(visit, returned)
        shown = await self.identity.signing_in.by_provider(person_id, returned.upstream.id, visit.visitor)
        if not returned.link:  # who only links stays signed in as strongly as they are
            self.enter(visit, await open_session(self.identity, visit, shown))
        return go(visit, returned.onward)

    async def _whose(self, visit: Visit, returned: Returned) -> str:
        """Who of ours came back. Raises Forbidden for somebody who is nobody here."""
        upstreams, upstream = self.identity.upstream, returned.upstream
        known = await upstreams.linked(upstream.id, returned.subject)
        if known is not None and returned.link in ("", known):
            return known
        if known is not None:
            raise Forbidden("this account is linked to somebody else", reason="not_linked")
        if returned.link:
            person, _ = visit.who()
            if person.id != returned.link:
                raise Forbidden("somebody else began this", reason="not_linked")
            person_id = person.id
        elif upstream.roles:
            person_id = await self._welcome(returned)
        else:
            raise Forbidden("nobody here is known by that account", reason="not_linked")
        await upstreams.link(upstream.id, returned.subject, person_id)
        self.identity.recorder.after(f"person:{person_id}", "account.link", f"provider:{upstream.id}")
        return person_id

    async def _welcome(self, returned: Returned) -> str:
        """A new account, by the name it has there when nobody has it here."""
        people, claims = self.identity.people, returned.claims
        try:
            login = checked_login(str(claims.get("preferred_username", "")))
        except BadRequest:
            login = new_id()
        try:
            name = checked_name(str(claims.get("name", "")))
        except BadRequest:
            name = login
        login = login if await people.by_login(login) is None else new_id()
        await self.identity.recorder.before("madang", "person.add", f"provider:{returned.upstream.id}")
        person = await people.add(login, name, None, returned.upstream.roles)
        return person.id

    async def _list(self, visit: Visit) -> Response:
        self.manager(visit, "people")
        listed, back = await self.identity.upstream.every(), self.identity.outward.back
        return page(visit, "providers", providers=listed, back=back, roles=GUEST_ROLES)

    async def _add(self, visit: Visit) -> Response:
        actor, form = self.manager(visit, "people"), await self.browsers.form(visit)
        name, issuer = checked_name(form.get("name", "")), form.get("issuer", "").strip().rstrip("/")
        roles = checked_roles(form.get("roles[]", "").split())
        if roles & STRONG_ROLES:
            raise BadRequest("who comes from elsewhere is given no such role", reason="role_unknown")
        check_uri(issuer)
        client_id, secret = form.get("client_id", "").strip(), form.get("client_secret", "").strip()
        act = self.identity.upstream.add(name, issuer, client_id, secret, roles)
        await self.acted(actor, "provider.add", issuer, act)
        return go(visit, "/administration/providers")

    async def _remove(self, visit: Visit) -> Response:
        actor, _ = self.manager(visit, "people"), await self.browsers.form(visit)
        upstream = await self.identity.upstream.find(visit.request.parts[2])
        await self.acted(actor, "provider.remove", upstream.issuer, self.identity.upstream.remove(upstream.id))
        return go(visit, "/administration/providers")
