"""An app's manifest, `app.toml`: declared first, imported later."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from madang.base.errors import BadRequest
from madang.trust.consent.agreement import Ask, check_ask
from madang.trust.policy.subjects import Grant

_ID = re.compile(r"[a-z0-9]+(\.[a-z0-9-]+)+\Z")


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing an app asks for. `action`: read or write (with `type`, `attributes`), command (with `kind`)."""

    action: str
    purpose: dict[str, str]
    type: str = ""
    kind: str = ""
    attributes: list[str] | None = None

    def grant(self) -> Grant:
        attributes = frozenset(self.attributes) if self.attributes is not None else None
        return Grant(self.action, self.kind or self.type, attributes)


class PersonalScope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an app asks each person for, who may agree or not: of a `kind` of item the `members` (absent: all) for a `purpose`, a
    word of the app's with its `text`, kept for so many days."""

    kind: str
    purpose: str
    text: dict[str, str]
    retention_days: int
    members: list[str] | None = None

    def ask(self) -> Ask:
        members = frozenset(self.members) if self.members is not None else None
        return Ask(self.kind, self.purpose, members, self.retention_days)


class Manifest(msgspec.Struct, frozen=True):
    """`name`, `summary`: texts by language (ko, en). `entry`: `package.module`; the folder is the package. `reasons`: the
    texts of the codes that its commands give as their reason, `{name}` where a parameter stands."""

    id: str
    version: str
    name: dict[str, str]
    summary: dict[str, str]
    entry: str
    scopes: list[Scope]
    licence: str = ""
    reasons: dict[str, dict[str, str]] = {}
    people: list[PersonalScope] = []


def load_manifest(folder: Path) -> Manifest:
    """Raises BadRequest naming what is wrong with it."""
    try:
        manifest = msgspec.toml.decode((folder / "app.toml").read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise BadRequest(f"no app.toml in {folder}") from None
    except msgspec.MsgspecError as error:
        raise BadRequest(f"app.toml: {error}") from None
    check(manifest, folder)
    return manifest


def check(manifest: Manifest, folder: Path) -> None:
    """Raises BadRequest."""
    if not _ID.match(manifest.id):
        raise BadRequest("app.toml: id must be a reverse domain name such as org.example.app")
    package, _, module = manifest.entry.partition(".")
    if not package.isidentifier() or not module.isidentifier() or not (folder / f"{module}.py").is_file():
        raise BadRequest(f"app.toml: entry {manifest.entry!r} is not package.module with a module of this folder")
    for scope in manifest.scopes:
        if scope.action not in ("read", "write", "command"):
            raise BadRequest(f"app.toml: unknown action {scope.action!r}")
        if not (scope.kind if scope.action == "command" else scope.type):
            raise BadRequest(
                f"app.toml: a {scope.action} scope needs {'kind' if scope.action == 'command' else 'type'}"
            )
    asked = [(one.kind, one.purpose) for one in manifest.people]
    for one in manifest.people:
        check_ask(one.ask())
        if asked.count((one.kind, one.purpose)) > 1:
            raise BadRequest(f"app.toml: people are asked twice for {one.kind} for {one.purpose}")
    told = (*(one.purpose for one in manifest.scopes), *(one.text for one in manifest.people))
    for texts in (manifest.name, manifest.summary, *told, *manifest.reasons.values()):
        if not {"ko", "en"} <= texts.keys():
            raise BadRequest("app.toml: texts are given in ko and en")
