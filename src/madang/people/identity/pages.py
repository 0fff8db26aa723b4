"""Pages out of templates: HTML that works without scripts, under a policy that lets nothing else in."""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    select_autoescape,
)

from madang.base.clock import short_iso, to_iso
from madang.base.errors import MadangError
from madang.people.http import Response
from madang.people.identity.visit import Visit

HERE = Path(__file__).resolve().parent
_HEADERS = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # Not `no-referrer`: browsers then send `Origin: null` with our own forms.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]


@lru_cache(maxsize=4)
def texts(language: str) -> dict[str, str]:
    """The words of one language by key, of all folders of `people/` that have pages."""
    found: dict[str, str] = {}
    for path in sorted(HERE.parent.glob(f"*/strings/{language}.json")):
        found |= json.loads(path.read_text(encoding="utf-8"))
    return found


def _loader() -> BaseLoader:
    """Templates of identity by name, those of other folders of `people/` by `folder/name`."""
    further = {path.parent.name: FileSystemLoader(path) for path in HERE.parent.glob("*/templates")}
    return ChoiceLoader([FileSystemLoader(HERE / "templates"), PrefixLoader(further)])


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=_loader(),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["time"] = lambda moment: short_iso(to_iso(moment.replace(microsecond=0)))
    environment.filters["people_time"] = _people_time
    return environment


def _people_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def policy(form_action: str = "", frames: str = "") -> bytes:
    """Content-Security-Policy; `form_action`: where a form's answer may lead besides here; `frames`: what may be framed."""
    framed = f"frame-src {frames}; " if frames else ""
    return framed.encode() + (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
        f"base-uri 'none'; frame-ancestors 'none'; form-action 'self' {form_action}".strip().encode()
    )


def origin_of(uri: str) -> str:
    """The source expression of an address: its origin, or the scheme alone of an app's own."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


def page(
    visit: Visit, template: str, status: int = 200, form_action: str = "", frames: str = "", **values: Any
) -> Response:
    """A page in the visitor's language. `values` are those its template names."""
    words = texts(visit.language)

    def t(key: str, **filled: Any) -> str:
        return words[key].format(**filled) if filled else words[key]

    body = (
        _environment()
        .get_template(f"{template}.html")
        .render(t=t, words=words, language=visit.language, csrf=visit.csrf, visit=visit, **values)
    )
    headers = [*_HEADERS, (b"content-security-policy", policy(form_action, frames)), *visit.cookies]
    return Response(status, body.encode(), headers)


def go(visit: Visit, address: str) -> Response:
    """Elsewhere, by GET."""
    headers = [(b"location", address.encode()), (b"cache-control", b"no-store"), (b"referrer-policy", b"no-referrer")]
    return Response(303, b"", [*headers, *visit.cookies])


def told(visit: Visit, error: MadangError) -> str:
    """What went wrong in the visitor's language, where its reason has words; else in English."""
    words = texts(visit.language)
    reason = words.get(f"error.{error.extra.get('reason', '')}")
    if reason is None:
        return words.get(f"error.status.{error.status}", "") or error.detail or error.title
    return reason.format(**{name: value for name, value in error.extra.items() if name != "reason"})


def error_page(visit: Visit, error: MadangError) -> Response:
    return page(visit, "error", error.status, message=told(visit, error), detail=error.detail)
