"""HTML of an app's pages: what is put in is escaped, what is HTML already is not."""

from __future__ import annotations

import html
from typing import Any


class Html(str):
    """Text that is HTML."""


def tag(name: str, /, *inside: Any, **attributes: Any) -> Html:
    """An element: `tag("a", "Map", href="/map")`. An attribute that is None is not there; `class_` and `data_x` are written as
    class and data-x."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{told}>")
    return Html(f"<{name}{told}>{join(*inside)}</{name}>")


_VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})


def join(*parts: Any) -> Html:
    """One after another; lists are joined, None is nothing."""
    return Html("".join(_text(part) for part in parts))


def _text(part: Any) -> str:
    if part is None:
        return ""
    if isinstance(part, Html):
        return part
    if isinstance(part, list | tuple):
        return join(*part)
    return html.escape(str(part))


def table(caption: str, heads: list[str], rows: list[list[Any]]) -> Html:
    """A table that is read aloud as one: the first cell of each row names it."""
    top = tag("tr", [tag("th", head, scope="col") for head in heads])
    body = [tag("tr", tag("th", row[0], scope="row"), [tag("td", cell) for cell in row[1:]]) for row in rows]
    return tag("table", tag("caption", caption), tag("thead", top), tag("tbody", body))


def document(title: str, *content: Any, language: str = "ko", style: str = "/apps/assets/app.css") -> Html:
    """A whole page in the city's look. A page that shall renew itself brings a script of its own."""
    head = join(
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("link", rel="stylesheet", href=style),
    )
    body = tag("main", tag("h1", title), *content)
    return Html("<!doctype html>" + tag("html", tag("head", head), tag("body", body), lang=language))
