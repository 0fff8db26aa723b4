"""An app's way in: HTTP over the socket it was given. The token says who it is; what it may do the kernel decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from madang.base.errors import MadangError

TIMEOUT_S = 10.0
Entity = dict[str, Any]


class DoorError(MadangError):
    """The kernel said no: `status` and the problem's detail."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title") or status))
        self.status, self.told = status, dict(problem)


@dataclass(frozen=True)
class Address:
    """A unix socket's path, or an http URL."""

    socket: str | None
    url: str

    @staticmethod
    def of(text: str) -> Address:
        """Raises ValueError on an empty text."""
        if not text:
            raise ValueError("MADANG_APP_DOOR is empty")
        if text.startswith(("http://", "https://")):
            return Address(None, text.rstrip("/"))
        return Address(text.removeprefix("unix:"), "http://madang")

    @property
    def websocket(self) -> str:
        return "ws" + self.url.removeprefix("http") + "/ws"


class Door:
    """Requests of one app. Raises DoorError on any answer of 400 and above, httpx.HTTPError when nobody answers."""

    def __init__(self, address: Address, token: str) -> None:
        transport = httpx.AsyncHTTPTransport(uds=address.socket) if address.socket else None
        head = {"Authorization": f"Bearer {token}"}
        self._client = httpx.AsyncClient(transport=transport, base_url=address.url, headers=head, timeout=TIMEOUT_S)

    async def get(self, entity_id: str) -> Entity:
        """One entity in concise form."""
        found: Entity = await self._ask("GET", f"/ngsi-ld/v1/entities/{entity_id}", params={"format": "concise"})
        return found

    async def query(self, type: str, q: str = "", attrs: str = "", limit: int = 1000) -> list[Entity]:
        """All entities of a type that match, page after page."""
        found: list[Entity] = []
        while True:
            asked = {"type": type, "limit": str(limit), "offset": str(len(found)), "format": "concise"}
            asked |= ({"q": q} if q else {}) | ({"attrs": attrs} if attrs else {})
            page: list[Entity] = await self._ask("GET", "/ngsi-ld/v1/entities", params=asked)
            found += page
            if len(page) < limit:
                return found

    async def command(self, intent: Mapping[str, Any]) -> dict[str, Any]:
        """One intent; gives its receipt, refused ones too."""
        receipt: dict[str, Any] = await self._ask("POST", "/madang/v1/commands", json=dict(intent))
        return receipt

    async def commands(self, intents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Several intents in one request; receipts in order."""
        if not intents:
            return []
        receipts: list[dict[str, Any]] = await self._ask("POST", "/madang/v1/commands", json=[dict(i) for i in intents])
        return receipts

    async def persons(self, kind: str, purpose: str, limit: int = 100) -> list[dict[str, Any]]:
        """Everybody who agreed to show items of a kind for a purpose, page after page: `{"pseudonym", "items": {id: item}}`."""
        found: list[dict[str, Any]] = []
        while True:
            asked = {"item": kind, "purpose": purpose, "limit": str(limit)}
            asked |= {"after": found[-1]["pseudonym"]} if found else {}
            page: list[dict[str, Any]] = await self._ask("GET", "/madang/v1/persons", params=asked)
            found += page
            if len(page) < limit:
                return found

    async def person(self, pseudonym: str, kind: str, purpose: str) -> dict[str, Any]:
        """One of them."""
        asked = {"item": kind, "purpose": purpose}
        found: dict[str, Any] = await self._ask("GET", f"/madang/v1/persons/{pseudonym}", params=asked)
        return found

    async def erasures(self) -> list[dict[str, Any]]:
        """What this app has still to erase, the oldest first."""
        found: list[dict[str, Any]] = await self._ask("GET", "/madang/v1/erasures")
        return found

    async def erased(self, erasure_id: str, count: int, note: str = "") -> None:
        """The receipt for one of them: how many things made of that person's items are gone."""
        await self._ask("POST", f"/madang/v1/erasures/{erasure_id}", json={"erased": count, "note": note})

    async def _ask(self, method: str, path: str, **more: Any) -> Any:
        answer = await self._client.request(method, path, **more)
        if answer.status_code >= 400:
            try:
                problem = answer.json()
            except ValueError:
                problem = {"title": answer.text[:200]}
            raise DoorError(answer.status_code, problem if isinstance(problem, dict) else {"title": str(problem)})
        return answer.json() if answer.content else None

    async def close(self) -> None:
        await self._client.aclose()
