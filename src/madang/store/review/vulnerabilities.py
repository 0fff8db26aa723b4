"""Known vulnerabilities of locked dependencies, by a list in the OSV format (schema 1.6) that the city keeps in a file. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from madang.base.errors import BadRequest
from madang.base.limits import STORE_VULNERABILITIES_MAX_BYTES
from madang.store.review.findings import Finding
from madang.store.review.lockfile import Locked

Osv = dict[str, Any]


def read_osv(path: Path) -> list[Osv]:
    """A file with one OSV object, an array of them, or one a line. Raises BadRequest."""
    data = path.read_bytes()
    if len(data) > STORE_VULNERABILITIES_MAX_BYTES:
        raise BadRequest(f"{path.name} has more than {STORE_VULNERABILITIES_MAX_BYTES} bytes")
    try:
        if path.suffix == ".ndjson":
            return [msgspec.json.decode(line) for line in data.splitlines() if line.strip()]
        found = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise BadRequest(f"{path.name} is no OSV: {error}") from None
    return found if isinstance(found, list) else [found]


def check_vulnerabilities(locked: Iterable[Locked], known: list[Osv] | None) -> Finding:
    """`known` None: this city keeps no list."""
    if known is None:
        return Finding("vulnerabilities", "absent", "vulnerabilities_no_list")
    listed = list(locked)
    hits = sorted({f"{osv['id']} ({one.name} {one.version})" for one in listed for osv in known if affects(osv, one)})
    if hits:
        return Finding("vulnerabilities", "bad", "vulnerabilities_found", {"found": ", ".join(hits)[:1_000]})
    return Finding(
        "vulnerabilities", "good", "vulnerabilities_none", {"count": str(len(listed)), "list": str(len(known))}
    )


def affects(osv: Osv, one: Locked) -> bool:
    """Whether the locked version is among those an advisory names. A withdrawn advisory affects nothing."""
    if osv.get("withdrawn"):
        return False
    return any(_names(affected, one) and _has(affected, one.version) for affected in osv.get("affected", []))


def _names(affected: Osv, one: Locked) -> bool:
    package = affected.get("package", {})
    return package.get("ecosystem") == "PyPI" and canonicalize_name(str(package.get("name", ""))) == one.name


def _has(affected: Osv, text: str) -> bool:
    try:
        version = Version(text)
    except InvalidVersion:
        return text in affected.get("versions", [])
    if any(_same(given, version) for given in affected.get("versions", [])):
        return True
    ranges = (one for one in affected.get("ranges", []) if one.get("type") == "ECOSYSTEM")
    return any(_within(one.get("events", []), version) for one in ranges)


def _within(events: list[Osv], version: Version) -> bool:
    """The evaluation of the OSV schema: events in the order of their versions switch it on and off."""
    inside = False
    for kind, at in sorted(
        ((kind, _version(at)) for event in events for kind, at in event.items()), key=lambda e: e[1]
    ):
        if kind == "introduced" and version >= at:
            inside = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            inside = False
    return inside


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")


def _same(text: str, version: Version) -> bool:
    try:
        return Version(text) == version
    except InvalidVersion:
        return False
