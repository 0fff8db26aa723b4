"""What an automatic check found."""

from __future__ import annotations

from typing import Literal

import msgspec

Outcome = Literal["good", "warning", "bad", "absent"]


class Finding(msgspec.Struct, frozen=True):
    """`check`: manifest, licence, sbom, vulnerabilities, tests or score. `code` has words on the pages, with `parameters` in them.
    `bad` keeps a release from being published; `absent`: nobody could look, and a person has to know that."""

    check: str
    outcome: Outcome
    code: str
    parameters: dict[str, str] = {}


def is_bad(findings: list[Finding]) -> bool:
    """Whether any of them keeps the release out."""
    return any(one.outcome == "bad" for one in findings)
