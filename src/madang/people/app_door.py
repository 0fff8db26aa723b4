"""What the gateway asks about apps: may this one speak now, and what did it do."""

from __future__ import annotations

from typing import Any

from madang.people.http import Request, Response
from madang.people.metering import amounts
from madang.people.server import peer_of
from madang.runtime.doorman import Doorman
from madang.runtime.meter import Meter
from madang.trust.caller import Caller

TENANT = b"ngsild-tenant"


class AppDoor:
    """Doorman and meter of one gateway."""

    def __init__(self, doorman: Doorman, meter: Meter) -> None:
        self.doorman, self.meter = doorman, meter

    async def admit(self, caller: Caller, scope: Any) -> None:
        """Raises Unauthorized for a token in wrong hands, TooMany."""
        if caller.principal.kind == "app":
            await self.doorman.check(caller.claim, peer_of(scope))

    async def stranger(self, scope: Any) -> None:
        """Somebody showed what opens nothing."""
        await self.doorman.stranger(peer_of(scope))

    def saw(self, request: Request, path: str, response: Response) -> None:
        """Before the answer leaves."""
        claim = request.caller.claim
        if claim.principal.kind != "app" or not self.doorman.knows(claim.principal.id):
            return
        path = path.partition("?")[0]
        self.doorman.refused(claim, path, response.status)
        tenant = request.headers.get(TENANT, b"").decode("latin-1") if response.status < 400 else ""
        self.meter.count(claim.principal.id, tenant, amounts(request.method, path, response))

    async def heard(self, caller: Caller) -> None:
        """A frame came. Raises TooMany."""
        if caller.principal.kind == "app":
            await self.doorman.check(caller.claim, None)

    def told(self, caller: Caller, frame: dict[str, Any]) -> None:
        """Before a frame leaves."""
        entities = frame.get("changes") if frame.get("op") == "log" else frame.get("entities")
        if entities is not None and caller.principal.kind == "app" and self.doorman.knows(caller.principal.id):
            self.meter.count(caller.principal.id, "", {"messages": 1, "reads": len(entities)})
