"""A browser without scripts, as far as signing in needs one: cookies, redirects, forms; and a provider it goes to over real HTTP."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest.mock import Mock
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import asyncpg
import httpx
import uvicorn
from argon2 import PasswordHasher

from madang.base.clock import SystemClock
from madang.engine.settings import listen_on
from madang.people.gateway import Gateway, Mount
from madang.people.http import Request, Response
from madang.people.identity.routes import IdentityDoors, MakeDoor
from madang.people.manage import Management
from madang.people.policies import PolicyDoor
from madang.people.server import Protocol
from madang.trust.audit.recorder import Recorder
from madang.trust.caller import Caller
from madang.trust.identity.clients import Client, Registration
from madang.trust.identity.house import Identity, open_identity
from madang.trust.identity.person import Person
from madang.trust.identity.totp import STEP_S, new_totp_secret, totp_code
from tests.callers import GATE, door

PASSWORD = "a few words of mine"
STORED = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(
    PASSWORD
)  # as weak as it can be: tests wait for it
CALLBACK = "https://client.example.org/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


class ShiftedClock:
    """The machine's clock, so that clients of others agree with it, moved on by a test."""

    def __init__(self) -> None:
        self.shift = timedelta()

    def now(self) -> datetime:
        return SystemClock().now() + self.shift

    def pass_s(self, seconds: float) -> None:
        self.shift += timedelta(seconds=seconds)


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get")))
        elif tag == "input" and self.forms and given.get("name"):
            self.forms[-1].fields[given["name"]] = given.get("value", "")


def forms_of(text: str) -> list[Form]:
    reader = _Forms()
    reader.feed(text)
    return reader.forms


class Browser:
    """Keeps cookies; follows redirects within the provider and stops at the first that leads elsewhere."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.client = httpx.AsyncClient(base_url=base, trust_env=False, timeout=20, headers={"accept-language": "en"})
        self.page: httpx.Response
        self.left_for = ""

    async def get(self, path: str) -> httpx.Response:
        return await self._follow(await self.client.get(path))

    async def submit(self, action: str, **values: str) -> httpx.Response:
        """The form of the page whose action begins so, filled in."""
        form = next(
            form for form in forms_of(self.page.text) if form.action.startswith(action) and form.method == "post"
        )
        address = urljoin(str(self.page.url), form.action or str(self.page.url))
        origin = {"origin": self.base.rstrip("/")}
        return await self._follow(await self.client.post(address, data={**form.fields, **values}, headers=origin))

    async def _follow(self, answer: httpx.Response) -> httpx.Response:
        self.page, self.left_for = answer, ""
        while self.page.is_redirect:
            address = urljoin(str(self.page.url), self.page.headers["location"])
            if not address.startswith(self.base):
                self.left_for = address
                break
            self.page = await self.client.get(address)
        return self.page

    @property
    def answer(self) -> dict[str, str]:
        """What the client was told at its address."""
        return dict(parse_qsl(urlsplit(self.left_for).query))

    async def sign_in(self, login: str, password: str = PASSWORD) -> httpx.Response:
        return await self.submit("/sign-in", login=login, password=password)


@dataclass
class City:
    """A provider with its gateway, listening."""

    identity: Identity
    clock: ShiftedClock
    url: str
    served: list[uvicorn.Server] = field(default_factory=list)
    codes: dict[str, str] = field(default_factory=dict)

    async def person(self, login: str, *roles: str, totp: bool = False) -> Person:
        """With PASSWORD, and a second factor if wanted."""
        people = self.identity.people
        person = await people.add(login, login.title(), f"{login}@example.org", roles)
        await people.set_password(person.id, STORED)
        if totp:
            secret = self.codes[login] = new_totp_secret()
            await people.set_totp(person.id, self.identity.seal.close_bytes(secret, f"totp:{person.id}"), -1)
        return person

    def code(self, login: str) -> str:
        return totp_code(self.codes[login], int(self.clock.now().timestamp()) // STEP_S)

    async def registered(self, **given: Any) -> tuple[Client, str]:
        """A confidential client that may have everything, unless said."""
        asked: dict[str, Any] = {
            "name": "Their app",
            "redirect_uris": (CALLBACK,),
            "grants": ("authorization_code", "refresh_token"),
            "scopes": ("openid", "profile", "email", "offline_access", "madang"),
        }
        client, secret = await self.identity.clients.register(Registration(**(asked | given)))
        return client, secret or ""

    def browser(self) -> Browser:
        return Browser(self.url)

    def request(self, client: Client, **more: str) -> str:
        """The address of an authorization request."""
        given = {
            "client_id": client.id, "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid", "state": "s1",
            "nonce": "n1", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        }  # fmt: skip
        return f"/oauth/authorize?{urlencode({**given, **more})}"

    async def authorize(self, browser: Browser, client: Client, login: str, **more: str) -> dict[str, str]:
        """What the client is told after its person signed in where that is asked, and consented where that is."""
        await browser.get(self.request(client, **more))
        if "/sign-in" in str(browser.page.url):
            await browser.sign_in(login)
        if not browser.left_for:
            await browser.submit("/oauth/authorize", answer="yes")
        return browser.answer

    async def token(self, client: Client, secret: str, **form: str) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=20) as http:
            return await http.post("oauth/token", data=form, auth=(client.id, secret))

    async def exchange(self, client: Client, secret: str, code: str, **more: str) -> httpx.Response:
        """The code for tokens."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return await self.token(client, secret, **{**form, **more})


async def no_token(token: str) -> Caller | None:
    return None


async def answer_nothing(request: Request) -> Response:
    return Response(404)


@asynccontextmanager
async def open_city(
    pool: asyncpg.Pool,
    run_dir: Path,
    recorder: Recorder,
    clock: ShiftedClock,
    anonymous: str = "reader",
    further: Sequence[MakeDoor] = (),
    mounts: Mapping[str, Mount] = MappingProxyType({}),
) -> AsyncIterator[City]:
    """Listens on a loopback port that is free. `mounts`: what else answers, by the first segment of its paths."""
    held = listen_on("127.0.0.1", None)
    url = f"http://localhost:{held.getsockname()[1]}/"
    identity = open_identity(pool, run_dir, url.rstrip("/"), "Yard", recorder, clock)
    nothing: Any = Mock(handle=answer_nothing)
    manage = Management(
        {},
        nothing,
        nothing,
        nothing,
        lambda: {},
        nothing,
        nothing,
        nothing,
        recorder,
        PolicyDoor(GATE, nothing, nothing),
        identity,
    )
    doors = IdentityDoors(identity, door(anonymous), further)
    app = Gateway(
        nothing,
        manage,
        nothing,
        nothing,
        answer_nothing,
        nothing,
        no_token,
        door(anonymous),
        None,
        doors,
        further=mounts,
    )
    config = uvicorn.Config(
        app, http=Protocol, lifespan="off", log_level="warning", access_log=False, proxy_headers=False
    )  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    server.capture_signals = _none  # type: ignore[method-assign,assignment]
    serving = asyncio.create_task(server.serve(sockets=[held]))
    try:
        yield City(identity, clock, url, [server])
    finally:
        server.should_exit = True
        await serving


def _none() -> Any:
    import contextlib

    return contextlib.nullcontext()
