"""The letters of the query language `q` (clause 4.9): values and quoted texts."""

from __future__ import annotations

import math
import re

from madang.base.clock import from_iso, to_iso
from madang.base.errors import BadRequest

Scalar = str | int | float | bool
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_TIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?)?|\d\d:\d\d:\d\d([.,]\d+)?Z?")


class Scanner:
    """A text and the place in it that is read next."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def error(self, why: str) -> BadRequest:
        return BadRequest(f"q: {why} at position {self.at}: {self.text[self.at : self.at + 20]!r}")

    def take(self, token: str) -> bool:
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def until_end(self) -> str:
        """A bare pattern ends at `;`, `|` or `)`, unless inside parentheses of its own."""
        start, depth = self.at, 0
        while self.at < len(self.text):
            letter = self.text[self.at]
            if not depth and letter in ";|)":
                break
            depth += (letter == "(") - (letter == ")")
            self.at += 1
        return self.text[start : self.at]

    def quoted(self) -> str:
        out, at = [], self.at + 1
        while at < len(self.text) and self.text[at] != '"':
            if self.text[at] == "\\" and self.text[at + 1 : at + 2] in ('"', "\\"):
                at += 1
            out.append(self.text[at])
            at += 1
        if at >= len(self.text):
            raise self.error("missing closing quote")
        self.at = at + 1
        return "".join(out)

    def value(self) -> Scalar:
        if self.text.startswith('"', self.at):
            return self.quoted()
        start = self.at
        while (
            self.at < len(self.text) and self.text[self.at] not in ';|(),"' and not self.text.startswith("..", self.at)
        ):
            self.at += 1
        raw = self.text[start : self.at]
        if raw in ("true", "false"):
            return raw == "true"
        if _NUMBER.fullmatch(raw):
            number = float(raw)
            if not math.isfinite(number):
                raise self.error("number out of range")
            return int(raw) if raw.lstrip("+-").isdigit() and len(raw) < 19 else number
        if _TIME.fullmatch(raw):
            return _time(raw)
        if ":" in raw or raw.isidentifier():
            return raw
        self.at = start
        raise self.error("not a value")


def _time(raw: str) -> str:
    if "T" not in raw:
        return raw
    try:
        return to_iso(from_iso(raw.replace(",", ".")))
    except ValueError:
        raise BadRequest(f"q: not a time: {raw}") from None
