"""Apps as their pages show them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from madang.base.errors import BadRequest
from madang.runtime.apps import Apps
from madang.runtime.manifest import Scope
from madang.runtime.overview import state_of
from madang.runtime.records import Installed, Version
from madang.runtime.scopes import covers, new_in, subject
from madang.runtime.words import personal_sentence, sentence, sentences

Values = dict[str, Any]


def listed(
    apps: Apps, found: Sequence[Installed], components: Mapping[str, Any], used: Mapping[str, Any], language: str
) -> list[Values]:
    """One line each."""
    return [
        {
            "id": one.id,
            "name": one.manifest.name[language],
            "summary": one.manifest.summary[language],
            "version": one.version,
            "state": state_of(components.get(f"app:{one.id}"), one.wanted),
            "rating": apps.rating(one).score,
            "waiting": one.waiting,
            "used": used.get(one.id),
        }
        for one in found
    ]


def app_values(app: Installed, versions: Sequence[Version], state: str, language: str) -> Values:
    """What one app's page tells of what it is and may."""
    waiting = next((one for one in versions if one.version == app.waiting), None)
    before = [one.version for one in versions if one.version not in (app.version, app.waiting)]
    more = new_in(waiting.manifest.scopes, app.manifest.scopes) if waiting is not None else []
    return {
        "app": app,
        "name": app.manifest.name[language],
        "summary": app.manifest.summary[language],
        "privacy": app.manifest.privacy.get(language, ""),
        "state": state,
        "granted": [_granted(one, language) for one in app.grants],
        "open": [
            {"number": number, "text": sentence(scope)[language]}
            for number, scope in enumerate(app.manifest.scopes)
            if not any(covers(grant, scope) for grant in app.grants)
        ],
        "personal": [personal_sentence(one)[language] for one in app.manifest.people],
        "egress": [
            told[language] for told in sentences(app.manifest)[len(app.manifest.scopes) + len(app.manifest.people) :]
        ],
        "more": [sentence(scope)[language] for scope in more],
        "before": before[0] if before else None,
    }


def _granted(scope: Scope, language: str) -> Values:
    action, about = subject(scope)
    return {"action": action, "about": about, "text": sentence(scope)[language], "attributes": scope.attributes or []}


def scope_of(asked: Sequence[Scope], number: str) -> Scope:
    """The scope of that number in a manifest. Raises BadRequest."""
    if not number.isascii() or not number.isdigit() or int(number[:6]) >= len(asked):
        raise BadRequest("the app asks for nothing of that number")
    return asked[int(number)]
