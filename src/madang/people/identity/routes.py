"""All doors of identity in one table: pages and endpoints, each by its path."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from authlib.oauth2.rfc6749.errors import InvalidClientError

from madang.base.errors import MadangError
from madang.people.http import Handler, Request, Response, nothing_here, pick_method, problem
from madang.people.identity.account import AccountDoor
from madang.people.identity.administration import AdministrationDoor
from madang.people.identity.authorize import AuthorizeDoor
from madang.people.identity.doors import Door
from madang.people.identity.elsewhere import ElsewhereDoor
from madang.people.identity.kiosks import KioskDoor
from madang.people.identity.sign_in import SignInDoor
from madang.people.identity.things import ThingsDoor
from madang.people.identity.token_door import TokenDoor, read_basic
from madang.people.identity.visit import Browsers
from madang.trust.caller import Caller, Claim
from madang.trust.identity.house import Identity

_DOORS = (SignInDoor, AccountDoor, AuthorizeDoor, KioskDoor, AdministrationDoor, ThingsDoor, ElsewhereDoor)
MakeDoor = Callable[[Identity, Browsers], Door]
_ASSETS = Path(__file__).resolve().parent / "assets"
_MEDIA = {".css": b"text/css; charset=utf-8", ".js": b"text/javascript; charset=utf-8"}
_DEPTH_OF_ID = {
    "apps": 1,
    "join": 1,
    "oauth": 2,
    "administration": 2,
    "sign-in": 2,
    "store": 2,
    "data": 2,
    "operations": 2,
}


class IdentityDoors:
    """A mount of the gateway. `mounts`: the first path segments that belong to it; its doors know by themselves who calls: by cookie,
    form token or client secret."""

    def __init__(self, identity: Identity, gate: Caller, further: Sequence[MakeDoor] = ()) -> None:
        """`gate`: any caller at the gate that decides who may manage people, devices and clients; `further`: doors of other
        rooms for whoever signed in."""
        self.browsers, self._identities = Browsers(identity, gate), identity.identities
        doors = [door(identity, self.browsers) for door in (*_DOORS, *further)]
        self.table: dict[str, dict[str, Handler]] = dict(TokenDoor(identity).table)
        for door in doors:
            self.table |= door.table
        self.mounts = frozenset(path.partition("/")[0] for path in self.table)
        self.table |= {f"account/assets/{path.name}": {"GET": asset(path)} for path in sorted(_ASSETS.iterdir())}

    async def claim_of(self, headers: Mapping[bytes, bytes]) -> Claim | None:
        """Whose credential a request shows: an access token, a device's name and secret, a session cookie. None for any other,
        and for none."""
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        if not authorization:
            session = self.browsers.session_of(headers.get(b"cookie", b"").decode("latin-1"))
            return await self._identities.of_session(session) if session else None
        kind, _, token = authorization.partition(" ")
        if kind.lower() == "bearer" and token.count(".") == 2:
            return await self._identities.of_token(token.strip())
        if kind.lower() == "basic":
            return await self._of_basic(authorization)
        return None

    async def _of_basic(self, authorization: str) -> Claim | None:
        try:
            return await self._identities.of_device(*read_basic(authorization))
        except InvalidClientError:
            return None

    async def handle(self, request: Request) -> Response:
        handlers = self.table.get("/".join(request.parts)) or self.table.get(_shape(request.parts))
        try:
            if handlers is None or any("\x00" in part for part in request.parts):
                raise nothing_here(request)
            return await pick_method(request, handlers)(request)
        except MadangError as error:
            return problem(error)


def _shape(parts: list[str]) -> str:
    place = _DEPTH_OF_ID.get(parts[0])
    return "/".join("*" if index == place else part for index, part in enumerate(parts))


def asset(path: Path) -> Handler:
    """A style or a script of ours, as its file is."""
    body, media = path.read_bytes(), _MEDIA[path.suffix]

    async def handle(request: Request) -> Response:
        headers = [(b"content-type", media), (b"cache-control", b"no-cache"), (b"x-content-type-options", b"nosniff")]
        return Response(200, body, headers)

    return handle
