"""Tickets to an app's pages: for minutes, for one person (or whoever comes without a name) and one app. Pure."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import msgspec

from madang.base.errors import Unauthorized
from madang.base.limits import FRAME_TICKET_S
from madang.engine.sealing import Seal

_ABOUT = "frame:"


@dataclass(frozen=True)
class Ticket:
    """`person` and `session` are empty for who did not sign in; `language`: ko or en; `until`: seconds of the epoch."""

    app: str
    person: str
    session: str
    language: str
    until: int


def issue(seal: Seal, app: str, person: str, session: str, language: str, now_s: float) -> str:
    """Letters that fit in a path."""
    ticket = Ticket(app, person, session, language, int(now_s) + FRAME_TICKET_S)
    body = base64.urlsafe_b64encode(msgspec.json.encode(ticket)).decode().rstrip("=")
    return f"{body}.{seal.sign(_ABOUT + body)}"


def read(seal: Seal, text: str, now_s: float) -> Ticket:
    """Raises Unauthorized for one that is not ours, or over."""
    body, _, signature = text.partition(".")
    try:
        if not seal.fits(signature, _ABOUT + body):
            raise Unauthorized("this ticket is not ours")
        ticket = msgspec.json.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=Ticket)
    except (msgspec.MsgspecError, binascii.Error, UnicodeEncodeError):
        raise Unauthorized("this ticket cannot be read") from None
    if now_s >= ticket.until:
        raise Unauthorized("this ticket is over")
    return ticket
