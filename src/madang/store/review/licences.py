"""Licences by their SPDX expressions (SPDX 2.3, annex D). Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from license_expression import ExpressionError, get_spdx_licensing

from madang.store.review.findings import Finding


@lru_cache(maxsize=1)
def _licensing() -> Any:
    return get_spdx_licensing()


def check_licence(expression: str) -> Finding:
    """An app says under which licence it comes: an SPDX expression, or `LicenseRef-...` for a text of its own."""
    if not expression.strip():
        return Finding("licence", "bad", "licence_none")
    try:
        unknown = _licensing().unknown_license_keys(expression)
    except (ExpressionError, ValueError, TypeError):
        return Finding("licence", "bad", "licence_unreadable", {"licence": expression[:200]})
    strange = [key for key in unknown if not key.startswith("LicenseRef-")]
    if strange:
        return Finding("licence", "bad", "licence_unknown", {"licence": ", ".join(sorted(strange))[:200]})
    if unknown:
        return Finding("licence", "warning", "licence_own", {"licence": expression[:200]})
    return Finding("licence", "good", "licence_known", {"licence": expression[:200]})
