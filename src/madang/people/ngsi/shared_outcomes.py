"""What a write came to in several brokers, as one answer (clauses 5.2.16 to 5.2.19, 6.3.17), pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from madang.base.errors import Conflict, MadangError
from madang.federation.peers import Reply
from madang.model.registration import Registration
from madang.people.http import Response


@dataclass(frozen=True)
class Part:
    """What one broker answered; `registration` None: this one. `error` is a problem (RFC 7807) or None."""

    registration: Registration | None
    status: int
    error: dict[str, Any] | None = None
    body: Any = None

    @property
    def ok(self) -> bool:
        return self.error is None and self.status != 207


def of_local(response: Response) -> Part:
    body = msgspec.json.decode(response.body) if response.body else None
    return Part(None, response.status, body if response.status >= 400 else None, body)


def of_error(error: MadangError, registration: Registration | None = None) -> Part:
    return Part(registration, error.status, error.problem())


def of_refusal(registration: Registration, operation: str) -> Part:
    """Of a proxied registration that does not take the operation (clause 5.6.1.4)."""
    return of_error(Conflict(f"{registration.id} holds it and does not take {operation}"), registration)


def of_reply(registration: Registration, reply: Reply) -> Part:
    if reply.ok:
        return Part(registration, reply.status, None, reply.body)
    told = reply.body if isinstance(reply.body, dict) else {}
    unknown = {
        "type": "about:blank",
        "title": "The source did not do it",
        "detail": reply.why or f"answered {reply.status}",
    }
    return Part(registration, reply.status, unknown | told | {"status": reply.status})


def without_missing(parts: list[Part]) -> list[Part]:
    """What is held elsewhere need not be here."""
    elsewhere = any(part.ok and part.registration is not None and part.registration.is_proxied for part in parts)
    return [part for part in parts if not (elsewhere and part.registration is None and part.status == 404)]


def without_missing_anywhere(parts: list[Part]) -> list[Part]:
    """Who does not have it has nothing to do with it; where nobody has it, one says so."""
    there = [part for part in parts if part.status != 404]
    return there or parts[:1]


def answer_of(entity_id: str, parts: list[Part], done: Response) -> Response:
    """`done` when all did it; of a single broker what it said; else 207 with what was done and what was not."""
    if all(part.ok for part in parts):
        return done
    if len(parts) == 1:
        (part,) = parts
        body = part.error if part.error is not None else part.body
        return Response.json(body if body is not None else _partial(entity_id, parts), _status(part))
    return Response.json(_partial(entity_id, parts), 207)


def _status(part: Part) -> int:
    return part.status if part.status in (207, *range(400, 600)) else 502


def _partial(entity_id: str, parts: list[Part]) -> dict[str, Any]:
    done = [entity_id] if any(part.error is None for part in parts) else []
    return {"success": done, "errors": [entity_error(entity_id, part) for part in parts if not part.ok]}


def entity_error(entity_id: str, part: Part) -> dict[str, Any]:
    """BatchEntityError (clause 5.2.17)."""
    source = {"registrationId": part.registration.id} if part.registration is not None else {}
    multi = {
        "type": "about:blank",
        "title": "Done in part",
        "status": 207,
        "detail": msgspec.json.encode(part.body).decode(),
    }
    return {"entityId": entity_id, **source, "error": part.error or multi}


def objects_in(value: Any) -> list[dict[str, Any]]:
    """What of another broker's list can be read."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def texts_in(value: Any) -> list[str]:
    """As `objects_in`, of texts."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def update_result(names: dict[str, list[str]], parts: list[Part]) -> Response:
    """UpdateResult (clause 5.2.18); `names` are the full names of the attributes that each source was given, by its id."""
    updated: list[str] = []
    refused: list[dict[str, Any]] = []
    for part in parts:
        key = part.registration.id if part.registration is not None else ""
        source = {"registrationId": key} if key else {}
        if part.error is not None:
            why = str(part.error.get("detail") or part.error.get("title"))
            refused += [{"attributeName": name, "reason": why, **source} for name in names[key]]
        elif part.status == 207 and isinstance(part.body, dict):
            updated += texts_in(part.body.get("updated"))
            refused += [one | source for one in objects_in(part.body.get("notUpdated"))]
        else:
            updated += names[key]
    return Response.json({"updated": list(dict.fromkeys(updated)), "notUpdated": refused}, 207)
