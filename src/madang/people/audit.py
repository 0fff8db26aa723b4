"""/madang/v1/audit: the newest entries, the signed checkpoint, proofs (RFC 6962), for operators and auditors; /madang/v1/witness: where
other cities have their logs cosigned (C2SP tlog-witness), for who signs as one of them."""

from __future__ import annotations

import base64

from madang.base.errors import BadRequest, Conflict
from madang.base.limits import WITNESS_BODY_MAX_BYTES
from madang.people.http import Handler, Request, Response
from madang.trust.audit.log import decode_leaf
from madang.trust.audit.recorder import Recorder


class AuditDoor:
    """Handlers of the audit resources."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.table: dict[str, dict[str, Handler]] = {
            "audit": {"GET": self._list},
            "audit/checkpoint": {"GET": self._checkpoint},
            "audit/proof/inclusion": {"GET": self._inclusion},
            "audit/proof/consistency": {"GET": self._consistency},
            "witness/add-checkpoint": {"POST": self._add_checkpoint},
        }

    async def _list(self, request: Request) -> Response:
        request.caller.require("read", "audit")
        query = request.query
        limit, before = _whole(request, "limit", 50), _whole(request, "before", -1)
        if not 1 <= limit <= 1_000:
            raise BadRequest("limit: a whole number from 1 to 1000")
        found = await self._recorder.log.page(
            limit, None if before < 0 else before, query.get("who"), query.get("what"), query.get("whom")
        )
        return Response.json([one | {"entry": decode_leaf(one["leaf"])} for one in found])

    async def _checkpoint(self, request: Request) -> Response:
        request.caller.require("read", "audit")
        note, cosigning = await self._recorder.keeper.sign(), self._recorder.cosigning
        return Response.json(
            {"note": cosigning.under(note), "key": self._recorder.keeper.key, "witnesses": cosigning.describe()}
        )

    async def _add_checkpoint(self, request: Request) -> Response:
        body = await request.body(WITNESS_BODY_MAX_BYTES)
        try:
            lines = await self._recorder.vouching.add_checkpoint(body)
        except Conflict as error:
            return Response(409, f"{error.extra['size']}\n".encode(), [(b"content-type", b"text/x.tlog.size")])
        return Response(200, lines.encode(), [(b"content-type", b"text/plain; charset=utf-8")])

    async def _inclusion(self, request: Request) -> Response:
        request.caller.require("read", "audit")
        index, size = _whole(request, "index"), _whole(request, "size")
        return _proof(await self._recorder.log.inclusion(index, size))

    async def _consistency(self, request: Request) -> Response:
        request.caller.require("read", "audit")
        old, new = _whole(request, "old"), _whole(request, "new")
        return _proof(await self._recorder.log.consistency(old, new))


def _proof(path: list[bytes]) -> Response:
    return Response.json({"proof": [base64.b64encode(one).decode() for one in path]})


def _whole(request: Request, name: str, default: int | None = None) -> int:
    text = request.query.get(name)
    if text is None and default is not None:
        return default
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 18:
        raise BadRequest(f"{name}: a whole number of at most 18 digits")
    return int(text)
