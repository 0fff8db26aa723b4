"""Whether what a publisher signed may stand in the store. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import DelegatedRole, Delegations, Key, Metadata, Targets

from madang.base.errors import BadRequest
from madang.store.registry.documents import PublishedRole
from madang.store.registry.keys import key_of
from madang.store.registry.publishing import read_role


def check_signed(publisher: str, keys: Collection[bytes], body: bytes, now: datetime) -> Targets:
    """The role, when one of the publisher's keys signed it, it delegates to nobody and has not expired. Raises BadRequest."""
    metadata = read_role(body)
    role = metadata.signed
    if not isinstance(role, Targets) or role.delegations is not None:
        raise BadRequest("a publisher's role names packages and delegates to nobody", reason="role_form")
    if not _is_signed_by(metadata, publisher, keys):
        raise BadRequest("none of this publisher's keys signed it", reason="role_unsigned")
    if role.is_expired(now):
        raise BadRequest("this role has expired: sign anew", reason="role_expired")
    return role


def _is_signed_by(metadata: Metadata[Targets], publisher: str, keys: Collection[bytes]) -> bool:
    own: dict[str, Key] = {key.keyid: key for key in map(key_of, keys)}
    if not own:
        return False
    role = DelegatedRole(publisher, list(own), 1, terminating=True, paths=[f"{publisher}/*"])
    try:
        Targets(delegations=Delegations(own, {publisher: role})).verify_delegate(
            publisher, metadata.signed_bytes, metadata.signatures
        )
    except UnsignedMetadataError:
        return False
    return True


def hashes_of(role: Targets) -> dict[str, str]:
    """SHA-256 (hexadecimal) by target path."""
    return {path: target.hashes.get("sha256", "") for path, target in role.targets.items()}


def check_role(
    role: Targets, published: PublishedRole | None, path: str, sha256: str, length: int, known: Mapping[str, str]
) -> None:
    """Whether the role names this package and otherwise what is `known` (SHA-256 by path: what is published and what waits).
    Raises BadRequest."""
    named = hashes_of(role)
    if named.get(path) != sha256 or role.targets[path].length != length:
        raise BadRequest(f"the role does not name this package as {path}", reason="role_misses")
    strange = [one for one in named if one != path and known.get(one) != named[one]]
    if strange:
        raise BadRequest(f"the role names what was never handed in: {strange[0]}", reason="role_strange")
    if published is not None and role.version <= published.version:
        raise BadRequest(f"the store has version {published.version} of this role: sign a later one", reason="role_old")
