"""/administration/devices and /administration/clients: what is no person; for administrators with two factors."""

from __future__ import annotations

from madang.base.errors import NotFound
from madang.people.http import Response
from madang.people.identity.doors import Door, Table
from madang.people.identity.pages import go, page
from madang.people.identity.visit import Form, Visit
from madang.trust.identity.clients import CLIENT_ROLES, GRANTS, PRINCIPALS, SCOPES, Client, Registration
from madang.trust.identity.permissions import Permission, permissions_in

SHOWN_MAX = 200
GRACE_S = 24 * 3_600
ROLES = sorted(CLIENT_ROLES - set(PRINCIPALS))
"""Those that do not follow from the principal."""


class ThingsDoor(Door):
    """Each secret is shown once, on the page that answers."""

    @property
    def table(self) -> Table:
        return {
            "administration/devices": {"GET": self.page(self._devices), "POST": self.page(self._add_device)},
            "administration/devices/*": {"GET": self.page(self._device), "POST": self.page(self._change_device)},
            "administration/devices/*/secret": {"POST": self.page(self._rotate_device)},
            "administration/devices/*/end": {"POST": self.page(self._end_device)},
            "administration/clients": {"GET": self.page(self._clients), "POST": self.page(self._add_client)},
            "administration/clients/*": {"GET": self.page(self._client), "POST": self.page(self._change_client)},
            "administration/clients/*/secret": {"POST": self.page(self._rotate_client)},
            "administration/clients/*/end": {"POST": self.page(self._end_client)},
        }

    async def _devices(self, visit: Visit) -> Response:
        self.manager(visit, "devices")
        after = visit.request.query.get("after", "")
        listed = await self.identity.devices.page(SHOWN_MAX, after)
        return page(visit, "devices", devices=listed, onward=listed[-1].id if len(listed) == SHOWN_MAX else "")

    async def _add_device(self, visit: Visit) -> Response:
        actor, form = self.manager(visit, "devices"), await self.browsers.form(visit)
        device_id = form.get("id", "").strip()
        act = self.identity.devices.add(device_id, *_asked(form))
        device, secret = await self.acted(actor, "device.add", f"device:{device_id[:100]}", act)
        return page(visit, "secret", id=device.id, secret=secret, back="/administration/devices")

    async def _device(self, visit: Visit) -> Response:
        self.manager(visit, "devices")
        return page(visit, "thing", device=await self.identity.devices.find(visit.request.parts[2]))

    async def _change_device(self, visit: Visit) -> Response:
        actor, form = self.manager(visit, "devices"), await self.browsers.form(visit)
        device = await self.identity.devices.find(visit.request.parts[2])
        act = self.identity.devices.change(device.id, *_asked(form))
        await self.acted(actor, "device.change", f"device:{device.id}", act)
        return go(visit, "/administration/devices")

    async def _rotate_device(self, visit: Visit) -> Response:
        actor, _ = self.manager(visit, "devices"), await self.browsers.form(visit)
        device = await self.identity.devices.find(visit.request.parts[2])
        act = self.identity.devices.rotate(device.id, GRACE_S)
        secret = await self.acted(actor, "device.rotate", f"device:{device.id}", act)
        return page(visit, "secret", id=device.id, secret=secret, back="/administration/devices")

    async def _end_device(self, visit: Visit) -> Response:
        actor, _ = self.manager(visit, "devices"), await self.browsers.form(visit)
        device = await self.identity.devices.find(visit.request.parts[2])
        await self.acted(actor, "device.end", f"device:{device.id}", self.identity.devices.end(device.id))
        return go(visit, "/administration/devices")

    async def _clients(self, visit: Visit) -> Response:
        self.manager(visit, "clients")
        listed = await self.identity.clients.every()
        return page(visit, "clients", clients=listed, grants=GRANTS, scopes=SCOPES, principals=PRINCIPALS, roles=ROLES)

    async def _add_client(self, visit: Visit) -> Response:
        actor, form = self.manager(visit, "clients"), await self.browsers.form(visit)
        asked = _registration(form, "confidential" in form, form.get("principal", "app"))
        act = self.identity.clients.register(asked)
        client, secret = await self.acted(actor, "client.add", f"app:{asked.name[:100]}", act)
        return page(visit, "secret", id=client.id, secret=secret or "", back="/administration/clients")

    async def _client(self, visit: Visit) -> Response:
        self.manager(visit, "clients")
        client = await self._known_client(visit)
        return page(visit, "client", client=client, grants=GRANTS, scopes=SCOPES, roles=ROLES)

    async def _change_client(self, visit: Visit) -> Response:
        actor, form = self.manager(visit, "clients"), await self.browsers.form(visit)
        client = await self._known_client(visit)
        asked = _registration(form, client.secret is not None, client.principal)
        act = self.identity.clients.change(client.id, asked)
        await self.acted(actor, "client.change", f"app:{client.id}", act)
        return go(visit, "/administration/clients")

    async def _known_client(self, visit: Visit) -> Client:
        client = await self.identity.clients.find(visit.request.parts[2])
        if client is None:
            raise NotFound("no such client")
        return client

    async def _rotate_client(self, visit: Visit) -> Response:
        actor, _ = self.manager(visit, "clients"), await self.browsers.form(visit)
        client_id = visit.request.parts[2]
        act = self.identity.clients.new_secret(client_id)
        secret = await self.acted(actor, "client.rotate", f"app:{client_id[:100]}", act)
        return page(visit, "secret", id=client_id, secret=secret, back="/administration/clients")

    async def _end_client(self, visit: Visit) -> Response:
        actor, _ = self.manager(visit, "clients"), await self.browsers.form(visit)
        client_id = visit.request.parts[2]
        await self.acted(actor, "client.end", f"app:{client_id[:100]}", self.identity.clients.end(client_id))
        return go(visit, "/administration/clients")


def _asked(form: Form) -> tuple[str, list[str], tuple[Permission, ...]]:
    """Name, topics and permissions of a device. Raises BadRequest."""
    return form.get("name", "").strip(), form.get("topics", "").split(), permissions_in(form.get("permissions", ""))


def _registration(form: Form, confidential: bool, principal: str) -> Registration:
    """Raises BadRequest."""
    return Registration(
        form.get("name", "").strip(),
        confidential,
        principal,
        tuple(form.get("roles[]", "").split()),
        tuple(form.get("redirect_uris", "").split()),
        tuple(form.get("logout_uris", "").split()),
        tuple(form.get("grants[]", "").split()),
        tuple(form.get("scopes[]", "").split()),
        permissions_in(form.get("permissions", "")),
        form.get("tenant", "").strip(),
    )
