"""/madang/v1/devices, /clients and /signing-keys: credentials of what is no person. For who may manage them only."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar

import msgspec

from madang.base.errors import BadRequest, NotFound
from madang.people.acts import acted
from madang.people.http import Handler, Request, Response
from madang.trust.identity.clients import Client, Registration, registration_of
from madang.trust.identity.devices import Device
from madang.trust.identity.house import Identity
from madang.trust.identity.permissions import Permission

T = TypeVar("T")
_JSON = frozenset({"application/json"})
_DAY_S = 24 * 3_600


class NewDevice(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    name: str = ""
    topics: list[str] = []
    permissions: list[Permission] = []


class Changed(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    topics: list[str]
    permissions: list[Permission] = []


class ChangedClient(msgspec.Struct, forbid_unknown_fields=True):
    name: str | None = None
    roles: tuple[str, ...] | None = None
    redirect_uris: tuple[str, ...] | None = None
    logout_uris: tuple[str, ...] | None = None
    grants: tuple[str, ...] | None = None
    scopes: tuple[str, ...] | None = None
    permissions: tuple[Permission, ...] | None = None
    tenant: str | None = None


class Grace(msgspec.Struct, forbid_unknown_fields=True):
    """How long what holds now still opens."""

    grace_s: int = _DAY_S


class RegistersDoor:
    """Handlers of the registers. `identity` is None where a gateway has none: nothing is there then."""

    def __init__(self, identity: Identity | None) -> None:
        self._given = identity
        self.table: dict[str, dict[str, Handler]] = {
            "devices": {"GET": self._list_devices, "POST": self._add_device},
            "devices/*": {"GET": self._get_device, "PATCH": self._change_device, "DELETE": self._end_device},
            "devices/*/secret": {"POST": self._rotate_device},
            "clients": {"GET": self._list_clients, "POST": self._add_client},
            "clients/*": {"GET": self._get_client, "PATCH": self._change_client, "DELETE": self._end_client},
            "clients/*/secret": {"POST": self._rotate_client},
            "signing-keys": {"POST": self._rotate_keys},
        }

    @property
    def _identity(self) -> Identity:
        if self._given is None:
            raise NotFound("nobody is known here")
        return self._given

    async def _list_devices(self, request: Request) -> Response:
        request.caller.require("read", "devices")
        limit, after = request.query.get("limit", "50"), request.query.get("after", "")
        if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit[:6]) <= 1_000:
            raise BadRequest("limit: a whole number from 1 to 1000")
        return Response.json([_device(one) for one in await self._identity.devices.page(int(limit), after)])

    async def _get_device(self, request: Request) -> Response:
        request.caller.require("read", "devices")
        return Response.json(_device(await self._identity.devices.find(request.parts[1])))

    async def _add_device(self, request: Request) -> Response:
        request.caller.require("manage", "devices")
        new = await _read(request, NewDevice)
        act = self._identity.devices.add(new.id, new.name, new.topics, new.permissions)
        device, secret = await self._acted(request, "device.add", f"device:{new.id[:100]}", act)
        return Response.json(_device(device) | {"secret": secret}, 201)

    async def _change_device(self, request: Request) -> Response:
        request.caller.require("manage", "devices")
        device_id, new = request.parts[1], await _read(request, Changed)
        act = self._identity.devices.change(device_id, new.name, new.topics, new.permissions)
        return Response.json(_device(await self._acted(request, "device.change", f"device:{device_id[:100]}", act)))

    async def _rotate_device(self, request: Request) -> Response:
        request.caller.require("manage", "devices")
        device_id, grace = request.parts[1], await _read(request, Grace)
        act = self._identity.devices.rotate(device_id, grace.grace_s)
        secret = await self._acted(request, "device.rotate", f"device:{device_id[:100]}", act)
        return Response.json({"id": device_id, "secret": secret}, 201)

    async def _end_device(self, request: Request) -> Response:
        request.caller.require("manage", "devices")
        device_id = request.parts[1]
        await self._acted(request, "device.end", f"device:{device_id[:100]}", self._identity.devices.end(device_id))
        return Response(204)

    async def _list_clients(self, request: Request) -> Response:
        request.caller.require("read", "clients")
        return Response.json([_client(one) for one in await self._identity.clients.every()])

    async def _get_client(self, request: Request) -> Response:
        request.caller.require("read", "clients")
        return Response.json(_client(await self._find_client(request.parts[1])))

    async def _find_client(self, client_id: str) -> Client:
        client = await self._identity.clients.find(client_id)
        if client is None:
            raise NotFound("no such client")
        return client

    async def _add_client(self, request: Request) -> Response:
        request.caller.require("manage", "clients")
        asked = await _read(request, Registration)
        act = self._identity.clients.register(asked)
        client, secret = await self._acted(request, "client.add", f"app:{asked.name[:100]}", act)
        return Response.json(_client(client) | ({"secret": secret} if secret else {}), 201)

    async def _change_client(self, request: Request) -> Response:
        """What is not named stays; so do its principal and whether it has a secret."""
        request.caller.require("manage", "clients")
        client, new = await self._find_client(request.parts[1]), await _read(request, ChangedClient)
        told = {name: value for name, value in msgspec.structs.asdict(new).items() if value is not None}
        asked = replace(registration_of(client), **told)
        act = self._identity.clients.change(client.id, asked)
        return Response.json(_client(await self._acted(request, "client.change", f"app:{client.id}", act)))

    async def _rotate_client(self, request: Request) -> Response:
        request.caller.require("manage", "clients")
        client_id = request.parts[1]
        act = self._identity.clients.new_secret(client_id)
        secret = await self._acted(request, "client.rotate", f"app:{client_id[:100]}", act)
        return Response.json({"id": client_id, "secret": secret}, 201)

    async def _end_client(self, request: Request) -> Response:
        request.caller.require("manage", "clients")
        client_id = request.parts[1]
        await self._acted(request, "client.end", f"app:{client_id[:100]}", self._identity.clients.end(client_id))
        return Response(204)

    async def _rotate_keys(self, request: Request) -> Response:
        """New tokens are signed by new keys; the old ones are published until their tokens have ended."""
        request.caller.require("manage", "signing-keys")

        identity = self._identity

        async def rotate() -> None:
            identity.ring.refresh(int(identity.clock.now().timestamp()), now=True)

        await self._acted(request, "keys.rotate", "signing-keys", rotate())
        return Response.json(identity.ring.public(), 201)

    async def _acted(self, request: Request, what: str, whom: str, act: Coroutine[Any, Any, T]) -> T:
        return await acted(self._identity.recorder, request.caller.name, what, whom, act)


async def _read(request: Request, kind: type[T]) -> T:
    """The body as `kind`. Raises BadRequest naming what does not fit."""
    try:
        return msgspec.convert(await request.json(_JSON), kind)
    except msgspec.ValidationError as error:
        raise BadRequest(str(error)) from None


def _device(device: Device) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(device)
    return built


def _client(client: Client) -> dict[str, Any]:
    """Without its secret's hash."""
    shown = {name: value for name, value in msgspec.to_builtins(client).items() if name != "secret"}
    for name in ("roles", "grants", "scopes"):
        shown[name] = sorted(shown[name])
    return shown | {"confidential": client.secret is not None}
