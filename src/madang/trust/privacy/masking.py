"""A text without its personal data. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from madang.trust.privacy.spans import KINDS, Span

Style = Literal["label", "format"]
STYLES = ("label", "format")
MARK = "*"


def mask(text: str, spans: Sequence[Span], style: Style, lang: str = "en") -> str:
    """`spans` do not overlap and stand in the order of the text. `label` puts the kind in their place, in Korean for `ko`; `format`
    keeps length and punctuation, so that columns and forms stay what they were."""
    out, end = [], 0
    for span in spans:
        out += [text[end : span.start], _shown(text[span.start : span.end], span.kind, style, lang)]
        end = span.end
    return "".join([*out, text[end:]])


def _shown(value: str, kind: str, style: Style, lang: str) -> str:
    if style == "label":
        return f"[{KINDS[kind] if lang == 'ko' else kind}]"
    return "".join(MARK if one.isalnum() else one for one in value)
