"""Whether a manifest can be taken at its word. Pure, but for looking which files the folder has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from madang.base.errors import BadRequest
from madang.base.limits import (
    APP_CPU_MAX,
    APP_EGRESS_MAX,
    APP_MEMORY_MAX_MB,
    APP_MESSAGES_MAX_PER_S,
    APP_PAGES_MAX,
    APP_SCOPES_MAX,
    APP_STORAGE_MAX_MB,
    APP_TEXT_MAX_CHARS,
    APP_WORKERS_MAX,
    POLICY_AREA_MAX_CORNERS,
)
from madang.model.geometry import check_geometry
from madang.trust.consent.agreement import RETENTION_MAX_DAYS, check_ask
from madang.trust.principal import ROLES

if TYPE_CHECKING:
    from madang.runtime.manifest import Manifest, Scope

APP_API = "1"
"""The version of what apps are promised: the door, the manifest, the environment of their process."""
CATEGORIES = frozenset(
    {
        "traffic", "parking", "transit", "safety", "disaster", "air", "water", "waste", "energy", "buildings", "parks", "health",
        "welfare", "tourism", "maintenance", "administration", "participation", "analysis", "other",
    }
)  # fmt: skip
PRICE_MODELS = frozenset({"free", "one_off", "subscription", "usage"})
WASM_MAGIC = b"\0asm\x01\0\0\0"
MEASURES = ("reads", "writes", "commands", "messages", "cpu_s", "storage_byte_h", "egress_bytes")
"""What is metered of each app; `runtime/meter.py` says how."""
DAYS = "days"
"""On which a customer used the app, by the store's count: what people can be billed by, since the meter counts apps and not people."""
_ID = re.compile(r"[a-z0-9]+(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?){1,9}\Z")
_WORD = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*\Z")
_LICENCE = re.compile(r"[A-Za-z0-9.+-]+( (AND|OR|WITH) [A-Za-z0-9.+-]+)*\Z")
_HOST = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]:([1-9][0-9]{0,4})\Z")
_PATH = re.compile(r"(/[A-Za-z0-9_.~-]+)*/?\Z")
_FILE = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9]+)*\Z")
_CURRENCY = re.compile(r"[A-Z]{3}\Z")


def wrong(why: str) -> BadRequest:
    return BadRequest(f"app.toml: {why}")


def check(manifest: Manifest, folder: Path) -> None:
    """Raises BadRequest naming what is wrong."""
    _names(manifest)
    _entry(manifest, folder)
    _most("scopes", manifest.scopes, APP_SCOPES_MAX)
    for scope in manifest.scopes:
        _scope(scope, folder)
    asked = [(one.kind, one.purpose) for one in manifest.people]
    for person in manifest.people:
        check_ask(person.ask())
        if asked.count((person.kind, person.purpose)) > 1:
            raise wrong(f"people are asked twice for {person.kind} for {person.purpose}")
    _reach(manifest)
    _shown(manifest)
    _texts(manifest)


def _entry(manifest: Manifest, folder: Path) -> None:
    package, _, module = manifest.entry.partition(".")
    named = package.isidentifier() and module.isidentifier()
    if named and module == "wasm":
        path = folder / manifest.entry
        if not path.is_file() or path.open("rb").read(len(WASM_MAGIC)) != WASM_MAGIC:
            raise wrong(f"entry {manifest.entry!r} is no WebAssembly module of this folder")
        if manifest.pages or manifest.widgets or manifest.people or manifest.egress or manifest.workers != 1:
            raise wrong("a WebAssembly module computes alone: no pages, widgets, people, egress or workers")
    elif not named or not (folder / f"{module}.py").is_file():
        raise wrong(f"entry {manifest.entry!r} is not package.module with a module of this folder")


def _names(manifest: Manifest) -> None:
    for name, text in (("id", manifest.id), ("publisher", manifest.publisher or manifest.id)):
        if not _ID.match(text) or len(text) > 100:
            raise wrong(f"{name} must be a reverse domain name such as org.example.app")
    try:
        Version(manifest.version)
    except InvalidVersion:
        raise wrong(f"version {manifest.version!r} is none of PEP 440") from None
    if not re.fullmatch(r"[A-Za-z0-9.!+_-]{1,60}", manifest.version):
        raise wrong(f"version {manifest.version[:60]!r} cannot be part of a file's name")
    try:
        served = SpecifierSet(manifest.api).contains(APP_API)
    except InvalidSpecifier:
        raise wrong(f"api {manifest.api!r} is no specifier such as '>=1,<2'") from None
    if not served:
        raise wrong(f"it wants app API {manifest.api}, this city has {APP_API}")
    if manifest.licence and not _LICENCE.match(manifest.licence):
        raise wrong(f"licence {manifest.licence!r} is no SPDX expression")


def _scope(scope: Scope, folder: Path) -> None:
    if scope.action not in ("read", "write", "command"):
        raise wrong(f"unknown action {scope.action!r}")
    of = "kind" if scope.action == "command" else "type"
    if not getattr(scope, of) or (scope.type and scope.kind):
        raise wrong(f"a {scope.action} scope needs {of}, and nothing but that")
    if scope.attributes == []:
        raise wrong(f"a {scope.action} scope of no attributes")
    if scope.retention_days is not None and not 0 <= scope.retention_days <= RETENTION_MAX_DAYS:
        raise wrong(f"retention is 0 to {RETENTION_MAX_DAYS} days")
    if scope.area and scope.action == "command":
        raise wrong("a command scope has no area: what it is aimed at is judged by the command room")
    if scope.area:
        rings_of(scope.area, folder)


def rings_of(name: str, folder: Path) -> list[list[tuple[float, float]]]:
    """Those of the GeoJSON polygon of a file, longitude and latitude. Raises BadRequest."""
    try:
        found: Any = msgspec.json.decode((folder / name).read_bytes()) if _FILE.match(name) else None
    except (OSError, msgspec.MsgspecError):
        found = None
    if not isinstance(found, dict) or found.get("type") not in ("Polygon", "MultiPolygon"):
        raise wrong(f"area {name[:100]!r} is no file of the folder with a GeoJSON Polygon or MultiPolygon")
    check_geometry(found, f"app.toml: area {name}")
    parts = [found["coordinates"]] if found["type"] == "Polygon" else found["coordinates"]
    rings = [[(float(x), float(y)) for x, y, *_ in ring] for part in parts for ring in part]
    if sum(map(len, rings)) > POLICY_AREA_MAX_CORNERS:
        raise wrong(f"area {name!r} has more than {POLICY_AREA_MAX_CORNERS} corners")
    return rings


def _reach(manifest: Manifest) -> None:
    _most("egress", manifest.egress, APP_EGRESS_MAX)
    for place in manifest.egress:
        if not _HOST.match(place) or int(place.rpartition(":")[2]) > 65_535:
            raise wrong(f"egress {place[:100]!r} is not host:port with the name of a host")
    quota = manifest.quota
    for name, asked, most in (
        ("cpu", quota.cpu, APP_CPU_MAX),
        ("memory_mb", quota.memory_mb, APP_MEMORY_MAX_MB),
        ("messages_per_s", quota.messages_per_s, APP_MESSAGES_MAX_PER_S),
        ("storage_mb", quota.storage_mb, APP_STORAGE_MAX_MB),
    ):
        if not 0 < asked <= most:
            raise wrong(f"quota {name} is above 0, and {most} at most")
    if not 1 <= manifest.workers <= APP_WORKERS_MAX:
        raise wrong(f"workers is 1 to {APP_WORKERS_MAX}")


def _shown(manifest: Manifest) -> None:
    unknown = sorted(set(manifest.categories) - CATEGORIES)
    if unknown:
        raise wrong(f"unknown categories {', '.join(unknown)}: there are {', '.join(sorted(CATEGORIES))}")
    for name, word in (("service", manifest.service), ("score", manifest.score.kind if manifest.score else "")):
        if word and (not _WORD.match(word) or len(word) > 60):
            raise wrong(f"{name} is a word such as signal-control")
    views = [*manifest.pages, *manifest.widgets]
    _most("pages and widgets", views, APP_PAGES_MAX)
    for view in views:
        if not _PATH.match(view.path) or not view.path or ".." in view.path.split("/"):
            raise wrong(f"path {view.path[:100]!r} of a page")
        if set(view.roles) - ROLES:
            raise wrong(f"unknown roles {', '.join(sorted(set(view.roles) - ROLES))}")
    if any(not 40 <= one.height_px <= 2_000 for one in manifest.widgets):
        raise wrong("height_px of a widget is 40 to 2000")
    _price(manifest)
    if manifest.website and not re.fullmatch(r"https://[^\s\"'<>]{1,500}", manifest.website):
        raise wrong("website is an https address")


def _price(manifest: Manifest) -> None:
    price = manifest.price
    try:
        amount = Decimal(price.amount)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount < 10**9 or price.model not in PRICE_MODELS:
        raise wrong(f"price: an amount, and a model of {', '.join(sorted(PRICE_MODELS))}")
    if (price.model == "free") != (amount == 0):
        raise wrong("price: what is free costs 0, and nothing else does")
    if not _CURRENCY.match(price.currency):
        raise wrong("price: currency is a code of ISO 4217")
    per: dict[str, tuple[str, ...]] = {"subscription": ("month", "year"), "usage": (*MEASURES, DAYS)}
    if price.per not in per.get(price.model, ("",)):
        raise wrong(f"price: per is one of {', '.join(per.get(price.model, ('nothing',)))}")


def _texts(manifest: Manifest) -> None:
    told = [one.purpose for one in manifest.scopes] + [one.text for one in manifest.people]
    told += [one.name for one in (*manifest.pages, *manifest.widgets)] + list(manifest.reasons.values())
    told += [manifest.privacy] if manifest.privacy else []
    for texts in (manifest.name, manifest.summary, *told):
        if not {"ko", "en"} <= texts.keys():
            raise wrong("texts are given in ko and en")
        if any(not text.strip() or len(text) > APP_TEXT_MAX_CHARS for text in texts.values()):
            raise wrong(f"a text has 1 to {APP_TEXT_MAX_CHARS} characters")


def _most(name: str, listed: Iterable[Any], most: int) -> None:
    if len(list(listed)) > most:
        raise wrong(f"more than {most} {name}")
