"""What became of an intent. Every step leaves one; the latest of an id is its state. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from madang.base.clock import to_iso
from madang.command.intent import Intent

ACCEPTED, REFUSED, DONE, FAILED = "accepted", "refused", "done", "failed"


@dataclass(frozen=True)
class Receipt:
    """`reason` is a code, `parameters` what its text in any language needs; `detail` the same as an English sentence. `by`
    said so: arbiter, interlock, device or service."""

    intent: Intent
    status: str
    at: datetime
    reason: str = ""
    detail: str = ""
    by: str = ""
    parameters: Mapping[str, str | float] = field(default_factory=dict)

    def then(
        self,
        status: str,
        at: datetime,
        reason: str = "",
        detail: str = "",
        by: str = "",
        parameters: Mapping[str, str | float] | None = None,
    ) -> Receipt:
        """The next receipt of the same intent."""
        return replace(self, status=status, at=at, reason=reason, detail=detail, by=by, parameters=parameters or {})

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
            "parameters": dict(self.parameters),
            "detail": self.detail,
            "by": self.by,
        }
