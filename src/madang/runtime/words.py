"""What an app asks for, in sentences that anybody understands: Korean and English. Pure."""

from __future__ import annotations

from madang.runtime.manifest import Manifest, PersonalScope, Scope, Texts

LANGUAGES = ("ko", "en")
_SAID = {
    ("read", True): ("{subject}의 모든 값을 읽습니다", "reads everything about each {subject}"),
    ("read", False): (
        "{subject}에서 {attributes} 값만 읽습니다",
        "reads {attributes} of each {subject}, nothing else of it",
    ),
    ("write", True): ("{subject}의 모든 값을 씁니다", "writes everything about any {subject}"),
    ("write", False): (
        "{subject}에 {attributes} 값만 씁니다",
        "writes {attributes} of any {subject}, nothing else of it",
    ),
    ("command", True): ("{subject} 명령을 요청합니다", "asks for the command {subject}"),
}
_AREA = ("{area} 구역 안에서만", "only in the area {area}")
_KEPT = ("{days}일 뒤에는 지웁니다", "forgets it after {days} days")
_PERSON = (
    "동의한 사람의 {kind} 정보에서 {members} 값을 읽고 {days}일 동안 보관합니다",
    "reads {members} of the {kind} of people who agree, and keeps it for {days} days",
)
_ALL = ("모든", "everything")
_EGRESS = ("도시 밖의 {host} 주소로 데이터를 보낼 수 있습니다", "can send data out of the city, to {host}")


def sentence(scope: Scope) -> Texts:
    """By language: what, where, how long, and what for."""
    said = _SAID[scope.action, scope.attributes is None]
    values = {"subject": scope.kind or scope.type, "attributes": ", ".join(scope.attributes or ())}
    out = {}
    for at, language in enumerate(LANGUAGES):
        parts = [said[at].format(**values)]
        parts += [_AREA[at].format(area=scope.area.rpartition(".")[0] or scope.area)] if scope.area else []
        parts += [_KEPT[at].format(days=scope.retention_days)] if scope.retention_days is not None else []
        out[language] = f"{', '.join(parts)}: {scope.purpose[language]}"
    return out


def personal_sentence(scope: PersonalScope) -> Texts:
    members = ", ".join(scope.members or ())
    return {
        language: f"{_PERSON[at].format(kind=scope.kind, members=members or _ALL[at], days=scope.retention_days)}: {scope.text[language]}"
        for at, language in enumerate(LANGUAGES)
    }


def sentences(manifest: Manifest) -> list[Texts]:
    """Everything the app asks for."""
    out = [sentence(scope) for scope in manifest.scopes]
    out += [personal_sentence(scope) for scope in manifest.people]
    out += [{name: _EGRESS[at].format(host=host) for at, name in enumerate(LANGUAGES)} for host in manifest.egress]
    return out
