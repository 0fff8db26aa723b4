"""An app's way in: HTTP over the socket it was given. The token says who it is; what it may do the kernel decides."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from madang.base.errors import MadangError
from madang.sdk.http import Address, Client

Entity = dict[str, Any]
PAGE = 1_000
UPSERT_MAX = 1_000
LAKE_ROWS = 10_000


class DoorError(MadangError):
    """The kernel said no: `status` and the problem's detail."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title") or status))
        self.status, self.told = status, dict(problem)


class Door:
    """Requests of one app. Raises DoorError on any answer of 400 and above, DoorClosed when nobody answers."""

    def __init__(self, address: Address, token: str) -> None:
        self._client = Client(address, {"authorization": f"Bearer {token}"} if token else {})

    async def get(self, entity_id: str) -> Entity:
        """One entity in concise form."""
        found: Entity = await self._ask(
            "GET", f"/ngsi-ld/v1/entities/{quote(entity_id, safe=':')}", params={"format": "concise"}
        )
        return found

    async def query(self, type: str, q: str = "", attrs: str = "", limit: int = PAGE) -> list[Entity]:
        """All entities of a type that match, page after page."""
        found: list[Entity] = []
        while True:
            asked = {"type": type, "limit": str(limit), "offset": str(len(found)), "format": "concise"}
            asked |= ({"q": q} if q else {}) | ({"attrs": attrs} if attrs else {})
            page: list[Entity] = await self._ask("GET", "/ngsi-ld/v1/entities", params=asked)
            found += page
            if len(page) < limit:
                return found

    async def upsert(self, entities: Sequence[Entity]) -> None:
        """Writes what the app makes: entities that are not there are made, of others the given attributes are set."""
        for begin in range(0, len(entities), UPSERT_MAX):
            some = list(entities[begin : begin + UPSERT_MAX])
            answer = await self._ask("POST", "/ngsi-ld/v1/entityOperations/upsert", {"options": "update"}, some)
            failed = answer.get("errors") if isinstance(answer, dict) else None
            if failed:
                problem = failed[0].get("error", {})
                raise DoorError(int(problem.get("status") or 400), problem)

    async def delete(self, entity_id: str) -> None:
        await self._ask("DELETE", f"/ngsi-ld/v1/entities/{quote(entity_id, safe=':')}")

    async def sql(self, query: str, rows: int = LAKE_ROWS) -> list[Entity]:
        """Of all that was: rows of a SELECT over `observation`, as plain values by column (docs/api.md, `/lake/sql`)."""
        told = await self._ask("POST", "/lake/sql", json_body={"sql": query, "rows": rows})
        return [dict(zip(told["columns"], row, strict=True)) for row in told["rows"]]

    async def city(self) -> dict[str, Any]:
        """Name, time zone and bounds of the city."""
        found: dict[str, Any] = await self._ask("GET", "/madang/v1/city")
        return found

    async def command(self, intent: Mapping[str, Any]) -> dict[str, Any]:
        """One intent; gives its receipt, refused ones too."""
        receipt: dict[str, Any] = await self._ask("POST", "/madang/v1/commands", json_body=dict(intent))
        return receipt

    async def commands(self, intents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Several intents in one request; receipts in order."""
        if not intents:
            return []
        receipts: list[dict[str, Any]] = await self._ask(
            "POST", "/madang/v1/commands", json_body=[dict(i) for i in intents]
        )
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
        await self._ask("POST", f"/madang/v1/erasures/{erasure_id}", json_body={"erased": count, "note": note})

    async def _ask(self, method: str, path: str, params: Mapping[str, str] | None = None, json_body: Any = None) -> Any:
        target = f"{path}?{urlencode(params)}" if params else path
        answer = await self._client.ask(method, target, b"" if json_body is None else json.dumps(json_body).encode())
        told = _read(answer.body)
        if answer.status >= 400:
            raise DoorError(answer.status, told if isinstance(told, dict) else {"title": str(told)[:200]})
        return told

    async def close(self) -> None:
        await self._client.close()


def _read(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body[:200].decode("utf-8", "replace")
