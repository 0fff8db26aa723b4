"""What the detector says about somebody, and why. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["credential-stuffing", "scanning", "device-habits", "app-habits", "exfiltration"]
KINDS: tuple[Kind, ...] = ("credential-stuffing", "scanning", "device-habits", "app-habits", "exfiltration")
SEVERITY = {
    "credential-stuffing": "high",
    "scanning": "medium",
    "device-habits": "medium",
    "app-habits": "medium",
    "exfiltration": "critical",
}
"""As of the Smart Data Model `Alert`."""


@dataclass(frozen=True)
class Feature:
    """A number that was unusual: `value` against what is `usual` for this one, or the limit for everybody (`usual` None)."""

    name: str
    value: float
    limit: float
    usual: float | None = None

    def text(self) -> str:
        """In a sentence's part."""
        usual = "" if self.usual is None else f", usually {self.usual:g}"
        return f"{self.name} {self.value:g} (limit {self.limit:g}{usual})"


@dataclass(frozen=True)
class Verdict:
    """`subject` is a principal's name or an address; `at_s` when it was noticed (seconds of the epoch)."""

    kind: Kind
    subject: str
    at_s: float
    features: tuple[Feature, ...]

    def text(self) -> str:
        return f"{self.kind} by {self.subject}: " + "; ".join(one.text() for one in self.features)
