"""One write done here and at the sources that have a part in it (clause 4.3.6)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from madang.base.errors import MadangError
from madang.federation.peers import Call
from madang.model.splitting import Share, Split
from madang.people.http import Request, Response
from madang.people.ngsi.shared_outcomes import Part, of_error, of_local, of_refusal, of_reply
from madang.people.ngsi.sharing import Sharing


async def share_out(
    sharing: Sharing,
    request: Request,
    operation: str,
    found: Split,
    local: Callable[[], Awaitable[Response]],
    call: Callable[[Share], Awaitable[Call]],
) -> tuple[list[Part], Response | None]:
    """Here first, then at the sources; without an answer of this broker when no part is its own or it failed. Raises what failed
    here alone, or for no fault of the asker."""
    done, parts = None, list[Part]()
    if found.local is not None:
        try:
            done = await local()
            parts.append(of_local(done))
        except MadangError as error:
            if error.status >= 500 or found.is_local:
                raise
            parts.append(of_error(error))
    parts += [of_refusal(one.registration, operation) for one in found.refused]
    calls = [await call(share) for share in found.shares]
    replies = await sharing.ask(calls, sharing.origin(request))
    return parts + [of_reply(one.registration, reply) for one, reply in zip(calls, replies, strict=True)], done
