"""One person, another name for each app: two apps cannot join what they know."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

from madang.engine.settings import secret

_BYTES = 15


class Pseudonyms:
    """Names made with a key that never leaves the run folder: without it nobody can tell whose they are."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, person: str, app: str) -> str:
        """24 letters and digits, the same for ever."""
        digest = hmac.new(self._key, f"{app}\0{person}".encode(), hashlib.sha256).digest()
        return base64.b32encode(digest[:_BYTES]).decode().lower()


def open_pseudonyms(run_dir: Path) -> Pseudonyms:
    """Those of one instance. The key is made at first use in `keys/pseudonyms`."""
    return Pseudonyms(secret(run_dir / "keys" / "pseudonyms", 32).encode())
