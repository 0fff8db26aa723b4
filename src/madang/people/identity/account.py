"""One's own account: what one signs in with, sessions, recovery, and which clients may act in one's name."""

from __future__ import annotations

import base64

import segno

from madang.base.errors import BadRequest, Forbidden, Unauthorized
from madang.people.http import Request, Response
from madang.people.identity.doors import Door, Table
from madang.people.identity.pages import go, page
from madang.people.identity.visit import Form, Visit
from madang.trust.identity.passkeys import METHODS
from madang.trust.identity.passwords import check_new, hash_password, is_password
from madang.trust.identity.person import Person, checked_name, may_change_factors
from madang.trust.identity.sessions import Session
from madang.trust.identity.totp import match_totp, new_totp_secret, totp_uri


class AccountDoor(Door):
    """`/account`."""

    @property
    def table(self) -> Table:
        return {
            "account": {"GET": self.page(self._show)},
            "account/totp": {"GET": self.page(self._totp), "POST": self.page(self._set_totp)},
            "account/password": {"POST": self.page(self._password)},
            "account/recovery": {"POST": self.page(self._recovery)},
            "account/sessions": {"POST": self.page(self._end_session)},
            "account/clients": {"POST": self.page(self._withdraw)},
            "account/passkeys": {"POST": self._add_passkey},
            "account/passkeys/options": {"POST": self._passkey_options},
            "account/passkeys/remove": {"POST": self.page(self._remove_passkey)},
        }

    async def _show(self, visit: Visit) -> Response:
        person, session = visit.who()
        identity = self.identity
        return page(
            visit, "account", person=person, session=session, roles=sorted(person.roles), in_force=visit.roles,
            passkeys=await identity.passkeys.of(person.id), sessions=await identity.sessions.of(person.id),
            clients=await identity.grants.of(person.id), codes=await identity.people.recovery_codes_left(person.id),
            encode=_encoded, providers=await identity.upstream.every(),
        )  # fmt: skip

    async def _totp(self, visit: Visit) -> Response:
        person, session = visit.who()
        await self._may_change(person, session)
        secret = new_totp_secret()
        sealed = base64.b64encode(self.identity.seal.close_bytes(secret, f"totp:{person.id}")).decode()
        ceremony = await self.identity.ceremonies.begin("totp-new", {"person": person.id, "secret": sealed})
        return self._totp_form(visit, person, secret, ceremony)

    def _totp_form(self, visit: Visit, person: Person, secret: str, ceremony: str, wrong: bool = False) -> Response:
        uri = totp_uri(secret, person.login or "", self.identity.name)
        image = segno.make(uri, error="m").svg_data_uri(scale=5, border=4, dark="#000", light="#fff")
        grouped = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
        status = 400 if wrong else 200
        return page(visit, "totp", status, image=image, secret=grouped, ceremony=ceremony, wrong=wrong)

    async def _set_totp(self, visit: Visit) -> Response:
        person, session = visit.who()
        form = await self.browsers.form(visit)
        await self._may_change(person, session)
        identity, ceremony = self.identity, form.get("ceremony", "")
        about = await identity.ceremonies.look("totp-new", ceremony)
        sealed = base64.b64decode(about["secret"])
        if about["person"] != person.id:
            raise BadRequest("this ceremony is another's")
        secret = identity.seal.open_bytes(sealed, f"totp:{person.id}")
        step = match_totp(secret, form.get("code", ""), identity.clock.now().timestamp(), -1)
        if step is None:
            return self._totp_form(visit, person, secret, ceremony, wrong=True)
        await identity.ceremonies.take("totp-new", ceremony)
        await identity.people.set_totp(person.id, sealed, step)
        await self._strengthened(visit, person, session, ("otp", "mfa"), "account.totp")
        return await self._new_codes(visit, person)

    async def _strengthened(
        self, visit: Visit, person: Person, session: Session, methods: tuple[str, ...], what: str
    ) -> None:
        shown = tuple(dict.fromkeys((*session.methods, *methods)))
        self.enter(visit, await self.identity.sessions.renew(session, shown))
        self.identity.recorder.after(f"person:{person.id}", what, f"person:{person.id}")

    async def _new_codes(self, visit: Visit, person: Person) -> Response:
        codes = await self.identity.people.new_recovery_codes(person.id)
        return page(visit, "recovery", codes=codes)

    async def _recovery(self, visit: Visit) -> Response:
        person, session = visit.who()
        await self.browsers.form(visit)
        await self._may_change(person, session)
        self.identity.recorder.after(f"person:{person.id}", "account.recovery", f"person:{person.id}")
        return await self._new_codes(visit, person)

    async def _password(self, visit: Visit) -> Response:
        """Other sessions end: whoever knew the one before is out."""
        person, session = visit.who()
        form = await self.browsers.form(visit)
        await self._may_change(person, session)
        await self.identity.attempts.count(f"{person.id}/password")
        if not await is_password(person.password, form.get("current", "")) and person.password is not None:
            raise Unauthorized("that is not right", reason="wrong")
        await self.identity.attempts.succeeded(f"{person.id}/password")
        check_new(form.get("password", ""), person.login or "")
        await self.identity.people.set_password(person.id, await hash_password(form["password"]))
        for other in await self.identity.sessions.of(person.id):
            if other.id != session.id:
                await self.identity.sessions.end(person.id, other.id)
        self.identity.recorder.after(f"person:{person.id}", "account.password", f"person:{person.id}")
        return go(visit, "/account")

    async def _end_session(self, visit: Visit) -> Response:
        person, session = visit.who()
        form = await self.browsers.form(visit)
        await self.identity.sessions.end(person.id, form.get("id", ""))
        self.identity.recorder.after(f"person:{person.id}", "session.end", f"session:{form.get('id', '')[:40]}")
        if form.get("id") == session.id:
            self.leave(visit)
        return go(visit, "/account")

    async def _withdraw(self, visit: Visit) -> Response:
        person, _ = visit.who()
        form = await self.browsers.form(visit)
        await self.identity.grants.withdraw(person.id, form.get("client", ""))
        self.identity.recorder.after(f"person:{person.id}", "consent.withdraw", f"app:{form.get('client', '')[:40]}")
        return go(visit, "/account")

    async def _remove_passkey(self, visit: Visit) -> Response:
        person, session = visit.who()
        form = await self.browsers.form(visit)
        await self._may_change(person, session)
        await self.identity.passkeys.remove(person.id, _decoded(form))
        self.identity.recorder.after(f"person:{person.id}", "account.passkey-remove", f"person:{person.id}")
        return go(visit, "/account")

    async def _passkey_options(self, request: Request) -> Response:
        visit, _ = await self.scripted(request)
        person, session = visit.who()
        await self._may_change(person, session)
        return Response.json(await self.identity.passkeys.begin_registration(person))

    async def _add_passkey(self, request: Request) -> Response:
        visit, sent = await self.scripted(request)
        person, session = visit.who()
        await self._may_change(person, session)
        credential = sent.get("credential")
        if not isinstance(credential, dict):
            raise BadRequest("a credential, please")
        name = checked_name(str(sent.get("name") or "Passkey"))
        await self.identity.passkeys.register(person.id, str(sent.get("ceremony")), credential, name)
        await self._strengthened(visit, person, session, METHODS, "account.passkey")
        response = Response.json({"next": "/account"}, 201)
        response.headers += visit.cookies
        return response

    async def _may_change(self, person: Person, session: Session) -> None:
        held = person.totp is not None or bool(await self.identity.passkeys.of(person.id))
        if not may_change_factors(session.methods, held):
            raise Forbidden("sign in with the second factor first", reason="needs_second_factor")


def _encoded(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode()


def _decoded(form: Form) -> bytes:
    try:
        return base64.urlsafe_b64decode(form.get("id", ""))
    except ValueError:
        raise BadRequest("no such passkey") from None
