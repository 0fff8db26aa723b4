"""/administration/apps: every app of the city, its rights, its state and its end; for who may manage apps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from madang.base.errors import BadRequest, MadangError
from madang.people.apps.shown import app_values, listed, scope_of
from madang.people.http import Response
from madang.people.identity.doors import Door, Table
from madang.people.identity.pages import go, page, told
from madang.people.identity.visit import Browsers, Form, Visit
from madang.people.store.upload import read_upload
from madang.runtime.apps import Apps
from madang.runtime.book import Book
from madang.runtime.overview import state_of
from madang.trust.identity.house import Identity
from madang.trust.identity.person import Person

Folders = Callable[[], Awaitable[list[dict[str, Any]]]]
HERE = "/administration/apps"


class AppsDoor(Door):
    """`book`: what is known of apps beside what they are; `components`: the processes as the supervisor told them last; `folders`:
    first-party apps of this machine."""

    def __init__(
        self,
        identity: Identity,
        browsers: Browsers,
        apps: Apps,
        book: Book,
        components: Callable[[], Any],
        folders: Folders,
    ) -> None:
        super().__init__(identity, browsers)
        self._apps, self._book, self._components, self._folders = apps, book, components, folders

    @property
    def table(self) -> Table:
        one = "administration/apps/*"
        return {
            "administration/apps": {"GET": self.page(self._list), "POST": self.page(self._install)},
            one: {"GET": self.page(self._show)},
            f"{one}/enable": {"POST": self._act("app.start", self._enable)},
            f"{one}/disable": {"POST": self._act("app.stop", self._disable)},
            f"{one}/grant": {"POST": self._act("app.grant", self._grant)},
            f"{one}/narrow": {"POST": self._act("app.narrow", self._narrow)},
            f"{one}/revoke": {"POST": self._act("app.revoke", self._revoke)},
            f"{one}/accept": {"POST": self._act("app.update", self._accept)},
            f"{one}/decline": {"POST": self._act("app.decline", self._decline)},
            f"{one}/rollback": {"POST": self._act("app.rollback", self._rollback)},
            f"{one}/update": {"POST": self.page(self._update)},
            f"{one}/uninstall": {"POST": self.page(self._uninstall)},
        }

    async def _list(self, visit: Visit) -> Response:
        self.reader(visit, "apps")
        return await self._listing(visit)

    async def _listing(self, visit: Visit, wrong: str = "", status: int = 200) -> Response:
        found, components = await self._apps.installed(), self._components()
        there = {one.id for one in found}
        offered = [one for one in await self._folders() if one["id"] not in there]
        shown = listed(self._apps, found, components, self._book.used, visit.language)
        return page(
            visit, "apps/apps", status, apps=shown, offered=offered, wrong=wrong, level=self._apps.running.level
        )

    async def _install(self, visit: Visit) -> Response:
        actor = self.manager(visit, "apps")
        fields, files = await self._sent(visit)
        package = files.get("package", b"")
        source = package or await self._offered(fields.get("path", ""))
        name = "package" if package else str(source)
        try:
            manifest = await self.acted(actor, "app.install", name, self._apps.install(source))
        except MadangError as error:
            return await self._listing(visit, error.detail or told(visit, error), error.status)
        return go(visit, f"{HERE}/{manifest.id}")

    async def _offered(self, path: str) -> Path:
        """Only what is offered: nobody names other folders of the machine. Raises BadRequest."""
        if path not in [one["path"] for one in await self._folders()]:
            raise BadRequest("choose a package or an app of this machine")
        return Path(path)

    async def _show(self, visit: Visit) -> Response:
        self.reader(visit, "apps")
        return await self._showing(visit)

    async def _showing(self, visit: Visit, wrong: str = "", status: int = 200) -> Response:
        found = await self._apps.find(visit.request.parts[2])
        state = state_of(self._components().get(f"app:{found.id}"), found.wanted)
        values = app_values(found, await self._apps.versions(found.id), state, visit.language)
        values |= await self._book.of(found.id) | {"made": await self._apps.made(found)}
        return page(
            visit,
            "apps/app",
            status,
            rating=self._apps.rating(found),
            level=self._apps.running.level,
            wrong=wrong,
            **values,
        )

    def _act(self, what: str, act: Callable[[str, Form], Awaitable[Any]]) -> Any:
        async def handle(visit: Visit) -> Response:
            actor, form = self.manager(visit, "apps"), await self.browsers.form(visit)
            app_id = (await self._apps.find(visit.request.parts[2])).id
            try:
                await self._on_record(actor, what, app_id, form, act)
            except MadangError as error:
                return await self._showing(visit, error.detail or told(visit, error), error.status)
            return go(visit, f"{HERE}/{app_id}")

        return self.page(handle)

    async def _on_record(
        self, actor: Person, what: str, app_id: str, form: Form, act: Callable[[str, Form], Awaitable[Any]]
    ) -> None:
        async def work() -> None:
            await act(app_id, form)

        await self.acted(actor, what, app_id, work())
        grants = msgspec.json.encode((await self._apps.find(app_id)).grants).decode()
        self.identity.recorder.after(f"person:{actor.id}", "app.grants", app_id, scopes=grants)

    async def _enable(self, app_id: str, form: Form) -> None:
        await self._apps.enable(app_id)

    async def _disable(self, app_id: str, form: Form) -> None:
        await self._apps.disable(app_id)

    async def _grant(self, app_id: str, form: Form) -> None:
        manifest = await self._apps.manifest(app_id)
        await self._apps.grant(app_id, scope_of(manifest.scopes, form.get("scope", "")))

    async def _narrow(self, app_id: str, form: Form) -> None:
        names = [name for name in form.get("attributes[]", "").split(" ") if name]
        await self._apps.narrow(app_id, form.get("action", ""), form.get("about", ""), names)

    async def _revoke(self, app_id: str, form: Form) -> None:
        await self._apps.revoke(app_id, form.get("action", ""), form.get("about", ""))

    async def _accept(self, app_id: str, form: Form) -> None:
        await self._apps.accept(app_id)

    async def _decline(self, app_id: str, form: Form) -> None:
        await self._apps.decline(app_id)

    async def _rollback(self, app_id: str, form: Form) -> None:
        await self._apps.rollback(app_id)

    async def _update(self, visit: Visit) -> Response:
        actor = self.manager(visit, "apps")
        app_id = (await self._apps.find(visit.request.parts[2])).id
        _, files = await self._sent(visit)
        try:
            await self.acted(actor, "app.update", app_id, self._apps.update(files.get("package", b""), app_id))
        except MadangError as error:
            return await self._showing(visit, error.detail or told(visit, error), error.status)
        return go(visit, f"{HERE}/{app_id}")

    async def _uninstall(self, visit: Visit) -> Response:
        actor, form = self.manager(visit, "apps"), await self.browsers.form(visit)
        found = await self._apps.find(visit.request.parts[2])
        uninstall = self._apps.uninstall(found.id, form.get("clear[]", "").split())
        receipt = await self.acted(actor, "app.remove", found.id, uninstall)
        self.identity.recorder.after(
            f"person:{actor.id}", "app.receipt", found.id, receipt=msgspec.json.encode(receipt).decode()
        )
        return page(visit, "apps/receipt", receipt=receipt, name=found.manifest.name[visit.language])

    async def _sent(self, visit: Visit) -> tuple[Form, dict[str, bytes]]:
        sent = await read_upload(visit.request)
        self.browsers.check(visit, sent.fields.get("csrf", ""))
        return sent.fields, sent.files
