"""Signatures of webhooks: `t=<seconds>,v1=<HMAC-SHA-256 of "<seconds>.<body>">`, as Stripe and our sandbox send them. Pure."""

from __future__ import annotations

import hmac
from hashlib import sha256

from madang.base.errors import Forbidden

TOLERANCE_S = 300


def signed_header(secret: str, body: bytes, now_s: int) -> str:
    """The header's value."""
    return f"t={now_s},v1={_mac(secret, body, now_s)}"


def check_header(value: str, secret: str, body: bytes, now_s: int) -> None:
    """Raises Forbidden for another secret, another body, or a time too far away: a replay."""
    parts = [part.partition("=") for part in value.split(",")]
    times = [text for name, _, text in parts if name.strip() == "t"]
    if len(times) != 1 or not times[0].isascii() or not times[0].isdigit() or len(times[0]) > 12:
        raise Forbidden("this webhook is not signed")
    made_s = int(times[0])
    wanted = _mac(secret, body, made_s)
    if not any(hmac.compare_digest(text.encode(), wanted.encode()) for name, _, text in parts if name.strip() == "v1"):
        raise Forbidden("this webhook is not signed by the provider")
    if abs(now_s - made_s) > TOLERANCE_S:
        raise Forbidden("this webhook is old")


def _mac(secret: str, body: bytes, made_s: int) -> str:
    return hmac.new(secret.encode(), f"{made_s}.".encode() + body, sha256).hexdigest()
