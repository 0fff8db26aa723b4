"""A set of indicators as a report to print: what is known, from where, how sure it is, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from madang.lake.indicators.definition import Definition, Definitions
from madang.lake.indicators.values import Value
from madang.people.print.sheet import Sheet

_WIDTHS = (20, 50, 20, 14, 14, 52)


def report(
    definitions: Definitions, values: Sequence[Value], city: str, language: str, words: Mapping[str, str], now: datetime
) -> bytes:
    """PDF; `words` are the texts of that language. Takes about a second of processor: outside the event loop."""
    title = f"{city}: {words[f'data.indicators.{definitions.set}']}"
    sheet = Sheet(title, language, lambda page: words["data.report.page"].format(page=page))
    sheet.heading(title, 16)
    latest = {one.code: one for one in sorted(values, key=lambda each: each.year)}
    told = [one for one in definitions.indicator if one.code in latest]
    counts = {"all": len(definitions.indicator), "known": len(told)}
    sheet.line_of(words["data.indicators.known"].format(**counts))
    sheet.line_of(words["data.report.made"].format(at=f"{now:%Y-%m-%d %H:%M} UTC"))
    sheet.heading(words["data.report.told"])
    head = [words[f"data.indicators.{name}"] for name in ("code", "name", "value", "unit", "year", "from")]
    sheet.rows(head, [_row(one, latest[one.code], language, words) for one in told], _WIDTHS)
    sheet.heading(words["data.report.missing"])
    for one in definitions.indicator:
        if one.code not in latest:
            sheet.line_of(f"{one.code}  {one.name['ko' if language == 'ko' else 'en']}", 9)
    return bytes(sheet.output())


def _row(one: Definition, value: Value, language: str, words: Mapping[str, str]) -> list[str]:
    name = one.name["ko" if language == "ko" else "en"]
    source = f"{words[f'data.confidence.{value.confidence}']} · {value.source}"
    source += f" ({words['data.rows'].format(count=value.rows)})" if value.rows else ""
    return [one.code, name, f"{value.value:,.4g}", one.unit, str(value.year), source]
