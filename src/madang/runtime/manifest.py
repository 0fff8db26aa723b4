"""An app's manifest, `app.toml`: declared first, imported later. What each field means stands in docs/apps.md."""

from __future__ import annotations

from pathlib import Path

import msgspec

from madang.base.errors import BadRequest
from madang.runtime.soundness import check, rings_of
from madang.trust.consent.agreement import Ask
from madang.trust.policy.subjects import Grant

Texts = dict[str, str]


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing an app asks for. `action`: read or write (with `type`, `attributes`), command (with `kind`). `area`: a file of the
    folder with a GeoJSON polygon (RFC 7946), beyond which a read or write scope asks for nothing; `rings` are its, as they were
    read. `retention_days`: how long it keeps what it reads."""

    action: str
    purpose: Texts
    type: str = ""
    kind: str = ""
    attributes: list[str] | None = None
    area: str = ""
    retention_days: int | None = None
    rings: list[list[tuple[float, float]]] | None = None

    def grant(self) -> Grant:
        attributes = frozenset(self.attributes) if self.attributes is not None else None
        area = tuple(map(tuple, self.rings)) if self.rings is not None else None
        return Grant(self.action, self.kind or self.type, attributes, area)


class PersonalScope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an app asks each person for, who may agree or not: of a `kind` of item the `members` (absent: all) for a `purpose`, a
    word of the app's with its `text`, kept for so many days."""

    kind: str
    purpose: str
    text: Texts
    retention_days: int
    members: list[str] | None = None

    def ask(self) -> Ask:
        members = frozenset(self.members) if self.members is not None else None
        return Ask(self.kind, self.purpose, members, self.retention_days)


class Quota(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The most an app takes: `cpu` cores, `memory_mb` and `storage_mb` of 2**20 bytes, `messages_per_s` requests at its door."""

    cpu: float = 0.5
    memory_mb: int = 256
    messages_per_s: int = 200
    storage_mb: int = 256


class Produced(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A type of entity that the app makes."""

    type: str


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`model`: free, one_off, subscription (`per` month or year) or usage (`per` a measure). `amount`: a decimal number as text,
    in units of `currency` (ISO 4217)."""

    model: str = "free"
    amount: str = "0"
    currency: str = "KRW"
    per: str = ""


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page that the app serves itself, shown in a frame to people of one of the `roles` (none: whoever may read apps)."""

    path: str
    name: Texts
    roles: list[str] = []


class Widget(Page, frozen=True):
    """A small page on somebody else's, so many CSS pixels high."""

    height_px: int = 200


class Score(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which scorer of the testbed fits the app."""

    kind: str


class Manifest(msgspec.Struct, frozen=True):
    """`entry`: `package.module`; the folder is the package. `reasons`: the texts of the codes that its commands give as their
    reason, `{name}` where a parameter stands. `egress`: `host:port` outside of the city that it talks to. `keys`: how events
    are shared out among `workers`."""

    id: str
    version: str
    name: Texts
    summary: Texts
    entry: str
    scopes: list[Scope]
    licence: str = ""
    reasons: dict[str, Texts] = {}
    people: list[PersonalScope] = []
    api: str = ">=1,<2"
    privacy: Texts = {}
    categories: list[str] = []
    service: str = ""
    egress: list[str] = []
    quota: Quota = Quota()
    produces: list[Produced] = []
    price: Price = Price()
    pages: list[Page] = []
    widgets: list[Widget] = []
    score: Score | None = None
    workers: int = 1
    keys: str = ""
    publisher: str = ""
    website: str = ""


def load_manifest(folder: Path) -> Manifest:
    """Raises BadRequest naming what is wrong with it."""
    try:
        manifest = msgspec.toml.decode((folder / "app.toml").read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise BadRequest(f"no app.toml in {folder}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadRequest(f"app.toml: {error}") from None
    check(manifest, folder)
    scopes = [
        msgspec.structs.replace(one, rings=rings_of(one.area, folder) if one.area else None) for one in manifest.scopes
    ]
    return msgspec.structs.replace(manifest, scopes=scopes)
