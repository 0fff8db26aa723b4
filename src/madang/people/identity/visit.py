"""One request of a browser: its session, its language, and the token that its forms carry."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from madang.base.errors import BadRequest, Forbidden, TooLarge, Unauthorized, UnsupportedMedia
from madang.base.limits import FORM_MAX_BYTES
from madang.people.http import Request
from madang.trust.caller import Caller, Claim
from madang.trust.identity.house import Identity
from madang.trust.identity.person import Person, roles_in_force
from madang.trust.identity.sessions import Session
from madang.trust.identity.signing_in import Visitor

LANGUAGES = ("ko", "en")
_YEAR_S = 365 * 24 * 3_600
Form = dict[str, str]


@dataclass(frozen=True)
class CookieNames:
    """By `issuer`: with the `__Host-` prefix where there is TLS (RFC 6265bis, 4.1.3.2); on this machine by port, since cookies of
    one host are sent to all of its ports."""

    issuer: str

    @property
    def secure(self) -> bool:
        return urlsplit(self.issuer).scheme == "https"

    def name(self, purpose: str) -> str:
        return f"__Host-madang-{purpose}" if self.secure else f"madang-{purpose}-{urlsplit(self.issuer).port or 80}"

    def header(self, purpose: str, value: str, max_age_s: int | None = None) -> tuple[bytes, bytes]:
        """A `Set-Cookie` that scripts cannot read and other sites' forms do not send."""
        parts = [f"{self.name(purpose)}={value}", "Path=/", "HttpOnly", "SameSite=Lax"]
        parts += ["Secure"] if self.secure else []
        parts += [] if max_age_s is None else [f"Max-Age={max_age_s}"]
        return b"set-cookie", "; ".join(parts).encode()


@dataclass
class Visit:
    """`form_key` is the browser's own random value; `cookies` are set with the answer."""

    request: Request
    language: str
    form_key: str
    csrf: str
    session: Session | None = None
    person: Person | None = None
    cookies: list[tuple[bytes, bytes]] = field(default_factory=list)

    @property
    def in_other_language(self) -> str:
        """The same page's address, in the other one."""
        other = next(one for one in LANGUAGES if one != self.language)
        if self.request.method not in ("GET", "HEAD"):
            return f"/{'account' if self.person else 'sign-in'}?lang={other}"
        return f"{self.request.scope['path']}?{urlencode({**self.request.query, 'lang': other})}"

    @property
    def roles(self) -> frozenset[str]:
        """Those that count in this session."""
        if self.session is None or self.person is None:
            return frozenset()
        return roles_in_force(self.person.roles, self.session.methods)

    @property
    def visitor(self) -> Visitor:
        client = self.request.scope.get("client")
        return Visitor(self.request.header(b"user-agent")[:300], client[0] if client else "")

    def who(self) -> tuple[Person, Session]:
        """Raises Unauthorized, which becomes the sign-in page."""
        if self.person is None or self.session is None:
            raise Unauthorized("sign in first")
        return self.person, self.session

    def claim(self) -> Claim:
        """Who it is to the gate. Raises Unauthorized."""
        person, _ = self.who()
        return Claim(person.principal(self.roles))


class Browsers:
    """Makes visits of requests."""

    def __init__(self, identity: Identity, gate: Caller) -> None:
        self._identity, self.gate = identity, gate
        self.cookies = CookieNames(identity.issuer)

    async def visit(self, request: Request) -> Visit:
        """Whoever it is."""
        sent = read_cookies(request.header(b"cookie"))
        key, fresh = sent.get(self.cookies.name("form"), ""), []
        if len(key) != 22:
            key = secrets.token_urlsafe(16)
            fresh.append(self.cookies.header("form", key))
        token = sent.get(self.cookies.name("session"), "")
        session = await self._identity.sessions.find(token) if token else None
        person = await self._identity.people.find(session.person) if session else None
        language = language_of(request, sent.get(self.cookies.name("language"), ""))
        if request.query.get("lang") in LANGUAGES:
            fresh.append(self.cookies.header("language", language, _YEAR_S))
        csrf = self._identity.seal.sign(f"form:{key}:{session.id if session else ''}")
        return Visit(request, language, key, csrf, session, person, fresh)

    def session_of(self, cookies: str) -> str:
        """The secret of the session in a `Cookie` header; empty without one."""
        return read_cookies(cookies).get(self.cookies.name("session"), "") if cookies else ""

    async def form(self, visit: Visit) -> Form:
        """The fields of a form of ours, each once. Raises Forbidden for one that did not come from our page."""
        fields = await read_form(visit.request)
        self.check(visit, fields.get("csrf", ""))
        return fields

    def check(self, visit: Visit, token: str) -> None:
        """Raises Forbidden."""
        origin = visit.request.headers.get(b"origin")
        foreign = origin is not None and urlsplit(origin.decode("latin-1")).netloc != visit.request.header(b"host")
        key = f"form:{visit.form_key}:{visit.session.id if visit.session else ''}"
        if foreign or not self._identity.seal.fits(token, key):
            raise Forbidden("this form is old, or not ours: load the page again", reason="form_old")


def read_cookies(header: str) -> dict[str, str]:
    """By name; none of a header that cannot be read."""
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}


async def read_form(request: Request) -> Form:
    """`application/x-www-form-urlencoded`, or nothing at all. Raises UnsupportedMedia, TooLarge, BadRequest for a field that comes
    twice."""
    body = await request.body()
    if body and request.media_type != "application/x-www-form-urlencoded":
        raise UnsupportedMedia("a form, please")
    if len(body) > FORM_MAX_BYTES:
        raise TooLarge(f"a form may have {FORM_MAX_BYTES} bytes")
    return once_each(body.decode("latin-1"))


def once_each(text: str) -> Form:
    """Fields by name (RFC 6749, 3.1: none more than once; roles[] of our own forms are joined by blanks). Raises BadRequest."""
    try:
        fields: dict[str, Any] = parse_qs(text, keep_blank_values=True, max_num_fields=200, errors="strict")
    except ValueError:
        raise BadRequest("this form cannot be read") from None
    if any(len(values) > 1 for name, values in fields.items() if not name.endswith("[]")):
        raise BadRequest("a parameter came more than once")
    joined = {name: " ".join(values) for name, values in fields.items()}
    if any("\x00" in value for value in joined.values()):
        raise BadRequest("this form holds a NUL character")
    return joined


def language_of(request: Request, chosen: str) -> str:
    """What the address asks for (`lang`, or `ui_locales` of OpenID Connect), what was chosen before, what the browser prefers."""
    query = request.query
    wished = [query.get("lang", ""), *query.get("ui_locales", "").split(), chosen]
    wished += [part.partition(";")[0].strip() for part in request.header(b"accept-language").split(",")]
    short = (one.partition("-")[0].lower() for one in wished)
    return next((one for one in short if one in LANGUAGES), LANGUAGES[0])


def local_path(text: str | None, default: str = "/account") -> str:
    """Where to go on: a path of ours, never another site."""
    if not text or not text.startswith("/") or text.startswith("//") or "\\" in text or not text.isprintable():
        return default
    return text
