"""What became of an intent. Every step leaves one; the latest of an id is its state. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from madang.base.clock import to_iso
from madang.command.intent import Intent

ACCEPTED, REFUSED, DONE, FAILED = "accepted", "refused", "done", "failed"


@dataclass(frozen=True)
class Receipt:
    """`reason` is a code; `detail` a sentence for people. `by` said so: arbiter, interlock, device or service."""

    intent: Intent
    status: str
    at: datetime
    reason: str = ""
    detail: str = ""
    by: str = ""

    def then(self, status: str, at: datetime, reason: str = "", detail: str = "", by: str = "") -> Receipt:
        """The next receipt of the same intent."""
        return replace(self, status=status, at=at, reason=reason, detail=detail, by=by)

    def as_json(self) -> dict[str, Any]:
        i = self.intent
        return {
            "id": i.id,
            "kind": i.kind,
            "target": i.target,
            "value": dict(i.value),
            "who": i.who,
            "rank": i.rank,
            "why": i.reason,
            "issuedAt": to_iso(i.at),
            "expiresAt": to_iso(i.expires),
            "status": self.status,
            "at": to_iso(self.at),
            "reason": self.reason,
            "detail": self.detail,
            "by": self.by,
        }
