"""/madang/v1/verdicts: what the detector said, why, what was done about it; and the way back."""

from __future__ import annotations

from madang.base.errors import BadRequest, NotFound
from madang.people.http import Handler, Request, Response
from madang.trust.audit.recorder import Recorder
from madang.trust.defence.verdicts import Verdicts


class VerdictDoor:
    """Handlers of the verdicts."""

    def __init__(self, verdicts: Verdicts | None, recorder: Recorder) -> None:
        self._given, self._recorder = verdicts, recorder
        self.table: dict[str, dict[str, Handler]] = {
            "verdicts": {"GET": self._list},
            "verdicts/*/release": {"POST": self._release},
        }

    @property
    def _verdicts(self) -> Verdicts:
        if self._given is None:
            raise NotFound("this door has no detector")
        return self._given

    async def _list(self, request: Request) -> Response:
        request.caller.require("manage", "defence")
        text = request.query.get("limit", "50")
        if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= 1_000:
            raise BadRequest("limit: a whole number from 1 to 1000")
        return Response.json(await self._verdicts.page(int(text)))

    async def _release(self, request: Request) -> Response:
        request.caller.require("manage", "defence")
        identifier, who = request.parts[1], request.caller.name
        await self._recorder.before(who, "defence.release", identifier)
        subject = await self._verdicts.release(identifier, who)
        self._recorder.after(who, "defence.release", identifier, subject=subject)
        return Response(204)
