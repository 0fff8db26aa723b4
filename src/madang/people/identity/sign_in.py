"""Signing in and out: by password and code, by passkey, by an invitation's link."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote, urlsplit

from madang.base.errors import BadRequest, Conflict, MadangError, TooMany, Unauthorized
from madang.people.http import Request, Response
from madang.people.identity.doors import Door, Table
from madang.people.identity.pages import go, origin_of, page, told
from madang.people.identity.visit import Form, Visit, local_path
from madang.trust.identity.house import Identity
from madang.trust.identity.passwords import check_new, hash_password
from madang.trust.identity.person import checked_email, checked_login, checked_name
from madang.trust.identity.signing_in import Shown


class SignInDoor(Door):
    """`/sign-in`, `/sign-out` and `/join/{token}`."""

    @property
    def table(self) -> Table:
        return {
            "sign-in": {"GET": self.page(self._show), "POST": self.page(self._password)},
            "sign-in/code": {"POST": self.page(self._code)},
            "sign-in/passkey/options": {"POST": self._passkey_options},
            "sign-in/passkey": {"POST": self._passkey},
            "sign-out": {"POST": self.page(self._out)},
            "join/*": {"GET": self.page(self._invited), "POST": self.page(self._join)},
        }

    async def _show(self, visit: Visit) -> Response:
        query, scope = visit.request.query, visit.request.scope
        if _other_name(visit.request.header(b"host"), self.identity.issuer):
            return go(visit, f"{self.identity.issuer}/sign-in?{scope['query_string'].decode('latin-1')}")
        return await self._form(visit, local_path(query.get("next")), query.get("login_hint", "")[:100])

    async def _form(self, visit: Visit, onward: str, login: str = "", error: MadangError | None = None) -> Response:
        status = 200 if error is None else error.status
        providers = await self.identity.upstream.every()
        return page(
            visit, "sign_in", status, await self._leads_to(onward), onward=onward, login=login,
            error=told(visit, error) if error else "", providers=providers,
        )  # fmt: skip

    async def _leads_to(self, onward: str) -> str:
        """The relying party's origin, when signing in goes on to it: a form's answer may lead only where the policy says."""
        prefix = "/oauth/authorize/"
        if not onward.startswith(prefix):
            return ""
        try:
            about = await self.identity.ceremonies.look("authorize", onward.removeprefix(prefix))
        except BadRequest:
            return ""
        return origin_of(about["redirect_uri"])

    async def _password(self, visit: Visit) -> Response:
        form = await self.browsers.form(visit)
        onward, login = local_path(form.get("next")), form.get("login", "")[:200]
        try:
            shown = await self.identity.signing_in.by_password(login, form.get("password", ""), visit.visitor)
        except (Unauthorized, TooMany) as error:
            return await self._form(visit, onward, login, error)
        if isinstance(shown, str):
            return await self._ask_code(visit, shown, onward)
        return await self._in(visit, shown, onward)

    async def _ask_code(self, visit: Visit, ceremony: str, onward: str, error: MadangError | None = None) -> Response:
        status = 200 if error is None else error.status
        return page(
            visit, "code", status, await self._leads_to(onward), ceremony=ceremony, onward=onward,
            error=told(visit, error) if error else "",
        )  # fmt: skip

    async def _code(self, visit: Visit) -> Response:
        form = await self.browsers.form(visit)
        onward, ceremony = local_path(form.get("next")), form.get("ceremony", "")
        try:
            shown = await self.identity.signing_in.by_code(ceremony, form.get("code", "")[:100], visit.visitor)
        except (Unauthorized, TooMany) as error:
            return await self._ask_code(visit, ceremony, onward, error)
        except BadRequest as error:
            return await self._form(visit, onward, "", error)
        return await self._in(visit, shown, onward)

    async def _in(self, visit: Visit, shown: Shown, onward: str) -> Response:
        self.enter(visit, await open_session(self.identity, visit, shown))
        return go(visit, onward)

    async def _passkey_options(self, request: Request) -> Response:
        visit, _ = await self.scripted(request)
        response = Response.json(await self.identity.passkeys.begin_sign_in())
        response.headers += visit.cookies
        return response

    async def _passkey(self, request: Request) -> Response:
        visit, sent = await self.scripted(request)
        credential = sent.get("credential")
        if not isinstance(credential, dict):
            raise BadRequest("a credential, please")
        shown = await self.identity.signing_in.by_passkey(str(sent.get("ceremony")), credential, visit.visitor)
        self.enter(visit, await open_session(self.identity, visit, shown))
        response = Response.json({"next": local_path(str(sent.get("next", "")))})
        response.headers += visit.cookies
        return response

    async def _out(self, visit: Visit) -> Response:
        await self.browsers.form(visit)
        if visit.session is not None:
            await self.identity.sessions.end(visit.session.person, visit.session.id)
            who = f"person:{visit.session.person}"
            self.identity.recorder.after(who, "sign-out", who)
        self.leave(visit)
        return page(replace(visit, session=None, person=None), "signed_out")

    async def _invited(self, visit: Visit) -> Response:
        return await self._join_form(visit)

    async def _join_form(self, visit: Visit, form: Form | None = None, error: MadangError | None = None) -> Response:
        person_id, roles = await self.identity.people.invited(_token(visit))
        person = await self.identity.people.find(person_id) if person_id else None
        return page(
            visit, "join", 200 if error is None else error.status, invited=person, roles=sorted(roles),
            form=form or {}, error=told(visit, error) if error else "",
        )  # fmt: skip

    async def _join(self, visit: Visit) -> Response:
        """The account, its password, and on to a second factor."""
        form = await self.browsers.form(visit)
        person_id, _ = await self.identity.people.invited(_token(visit))
        try:
            person_id = await (self._reset(visit, person_id, form) if person_id else self._new(visit, form))
        except (BadRequest, Conflict) as error:
            return await self._join_form(visit, form, error)
        who = f"person:{person_id}"
        self.identity.recorder.after(who, "account.join", who, "", "done", address=visit.visitor.address)
        self.enter(visit, await open_session(self.identity, visit, Shown(person_id, ("pwd",))))
        return go(visit, "/account/totp")

    async def _new(self, visit: Visit, form: Form) -> str:
        people = self.identity.people
        login, name = checked_login(form.get("login", "")), checked_name(form.get("name", ""))
        email, password = checked_email(form.get("email", "")), form.get("password", "")
        check_new(password, login)
        if await people.by_login(login) is not None:
            raise Conflict("this login is taken", reason="login_taken")
        stored = await hash_password(password)
        _, roles = await people.take_invitation(_token(visit))
        person = await people.add(login, name, email, roles)
        await people.set_password(person.id, stored)
        return person.id

    async def _reset(self, visit: Visit, person_id: str, form: Form) -> str:
        """Whoever lost what they signed in with: a new password, no second factor until they make one, all sessions ended."""
        people = self.identity.people
        person = await people.find(person_id)
        check_new(form.get("password", ""), person.login or "")
        stored = await hash_password(form["password"])
        await people.take_invitation(_token(visit))
        await people.set_password(person_id, stored)
        await people.forget_second_factors(person_id)
        await self.identity.sessions.end_all(person_id)
        return person_id


async def open_session(identity: Identity, visit: Visit, shown: Shown) -> str:
    """The secret of a new session, or of the same one renewed for the same person."""
    if visit.session is not None and visit.session.person == shown.person:
        return await identity.sessions.renew(visit.session, shown.methods)
    if visit.session is not None:
        await identity.sessions.end(visit.session.person, visit.session.id)
    return await identity.signing_in.open(shown, visit.visitor)


def _other_name(host: str, issuer: str) -> bool:
    """Whether this machine was called by another name than the one that has passkeys and that relying parties know."""
    own = urlsplit(issuer)
    return host != own.netloc and host == f"127.0.0.1:{own.port}" and own.hostname == "localhost"


def _token(visit: Visit) -> str:
    return visit.request.parts[1]


def sign_in_address(onward: str, login_hint: str = "") -> str:
    hint = f"&login_hint={quote(login_hint)}" if login_hint else ""
    return f"/sign-in?next={quote(onward)}{hint}"
