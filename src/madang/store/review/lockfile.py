"""`requirements.lock` of a package: exact versions with hashes, in pip's format. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from madang.base.errors import BadRequest
from madang.base.limits import STORE_DEPENDENCIES_MAX

_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})(?=\s|\Z)")


@dataclass(frozen=True)
class Locked:
    """One dependency. `name` is normalised (PEP 503); `hashes`: SHA-256 in hexadecimal, of each file it may be."""

    name: str
    version: str
    hashes: tuple[str, ...]


def read_lock(text: str) -> list[Locked]:
    """By name. Raises BadRequest for what is no `name==version` with hashes: an option, an address, a range."""
    lines = re.sub(r"\\\r?\n", " ", text).splitlines()
    stripped = (line.partition(" #")[0].strip() for line in lines)
    found = [_locked(line) for line in stripped if line and not line.startswith("#")]
    if len(found) > STORE_DEPENDENCIES_MAX:
        raise BadRequest(f"a lock has at most {STORE_DEPENDENCIES_MAX} packages")
    return sorted(found, key=lambda one: (one.name, one.version))


def _locked(line: str) -> Locked:
    wanted, dashes, options = line.partition("--")
    hashes = tuple(sorted(_HASH.findall(dashes + options)))
    rest = _HASH.sub("", dashes + options).strip()
    try:
        requirement = Requirement(wanted.strip())
    except InvalidRequirement:
        raise BadRequest(f"requirements.lock: cannot read {line[:100]!r}") from None
    pinned = [one.version for one in requirement.specifier if one.operator == "=="]
    if rest or requirement.url or len(requirement.specifier) != 1 or len(pinned) != 1 or "*" in pinned[0] or not hashes:
        raise BadRequest(f"requirements.lock: {line[:100]!r} is not name==version with --hash=sha256")
    return Locked(canonicalize_name(requirement.name), pinned[0], hashes)
