"""One thing that somebody did or was refused, and the bytes of it that are hashed. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from madang.base.clock import to_iso
from madang.base.limits import AUDIT_TEXT_MAX_CHARS


@dataclass(frozen=True)
class Event:
    """`what` is a code (`command`, `app.install`), `whom` the thing it is about, `why` the words of who asked, `outcome` a
    code (`accepted`, `refused`, `done`, `failed`); `details` further texts by name."""

    at: datetime
    who: str
    what: str
    whom: str
    why: str = ""
    outcome: str = "done"
    details: Mapping[str, str] = field(default_factory=dict)


def encode_leaf(seq: int, event: Event) -> str:
    """Canonical JSON (RFC 8785). It holds its own place in the log, so that a row which is moved gives itself away."""
    leaf = {
        "seq": seq,
        "at": to_iso(event.at),
        "who": _clean(event.who),
        "what": _clean(event.what),
        "whom": _clean(event.whom),
        "why": _clean(event.why),
        "outcome": _clean(event.outcome),
        "details": {name: _clean(text) for name, text in event.details.items()},
    }
    return json.dumps(leaf, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _clean(text: str) -> str:
    """Short enough, and nothing in it that PostgreSQL or UTF-8 cannot hold."""
    return text[:AUDIT_TEXT_MAX_CHARS].replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
