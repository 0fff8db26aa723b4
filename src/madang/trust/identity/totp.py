"""Time-based one-time passwords (RFC 6238) of six digits every 30 s, with SHA-1 as authenticator apps expect. Pure."""

from __future__ import annotations

import base64
import hmac
import secrets
import struct
from urllib.parse import quote, urlencode

STEP_S, DIGITS, DRIFT_STEPS = 30, 6, 1


def new_totp_secret() -> str:
    """160 random bits in base32 (RFC 4226, 4)."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def totp_code(secret: str, step: int) -> str:
    """The code of one step (RFC 4226, 5.3)."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", step), "sha1")
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def match_totp(secret: str, text: str, now_s: float, used: int) -> int | None:
    """The step whose code this is; None for a wrong one and for one at or before `used` (RFC 6238, 5.2: a code counts once).
    A clock may be one step off."""
    now, given = int(now_s) // STEP_S, "".join(text.split())
    steps = range(max(now - DRIFT_STEPS, used + 1), now + DRIFT_STEPS + 1)
    return next((step for step in steps if hmac.compare_digest(totp_code(secret, step).encode(), given.encode())), None)


def totp_uri(secret: str, login: str, issuer: str) -> str:
    """What an authenticator app reads out of a QR code."""
    query = urlencode({"secret": secret, "issuer": issuer, "digits": DIGITS, "period": STEP_S}, quote_via=quote)
    return f"otpauth://totp/{quote(issuer)}:{quote(login)}?{query}"
