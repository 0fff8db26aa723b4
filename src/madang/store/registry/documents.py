"""The store's own roles as TUF metadata (TUF 1.0.34, clause 4). Pure: the time and the signers are given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Key,
    Metadata,
    MetaFile,
    Root,
    Signed,
    Snapshot,
    Targets,
    Timestamp,
)

from madang.store.registry.keys import ROLES, StoreKeys, key_of

LIFETIMES = {
    "root": timedelta(days=365),
    "targets": timedelta(days=90),
    "snapshot": timedelta(days=7),
    "timestamp": timedelta(days=1),
}
YANKED = "yanked"


@dataclass(frozen=True)
class PublishedRole:
    """What a publisher signed last and the store published. `keys`: raw public keys that may sign for it."""

    publisher: str
    keys: tuple[bytes, ...]
    version: int
    body: bytes


def encode(document: Signed, *signers: CryptoSigner) -> bytes:
    """The signed document as it is served."""
    metadata: Metadata[Any] = Metadata(document)
    for signer in signers:
        metadata.sign(signer, append=True)
    return metadata.to_bytes()


def root_of(keys: StoreKeys, version: int, now: datetime) -> Root:
    """With one key for each role, consistent snapshots on."""
    document = Root(version=version, expires=now + LIFETIMES["root"], consistent_snapshot=True)
    for role in ROLES:
        document.add_key(keys[role].public_key, role)
    return document


def targets_of(
    roles: Iterable[PublishedRole], yanked: Sequence[str], store_key: Key, version: int, now: datetime
) -> Targets:
    """Who may sign for what. A withdrawn path ends in a terminating role of the store's that has no targets, which comes before its
    publisher's: what the publisher signed stays as it is, and is found no more."""
    keys: dict[str, Key] = {store_key.keyid: store_key}
    delegated: dict[str, DelegatedRole] = {}
    if yanked:
        delegated[YANKED] = DelegatedRole(YANKED, [store_key.keyid], 1, terminating=True, paths=sorted(yanked))
    for role in sorted(roles, key=lambda one: one.publisher):
        own = [key_of(one) for one in role.keys]
        keys |= {one.keyid: one for one in own}
        paths = [f"{role.publisher}/*"]
        delegated[role.publisher] = DelegatedRole(
            role.publisher, [one.keyid for one in own], 1, terminating=True, paths=paths
        )
    delegations = Delegations(keys, delegated) if delegated else None
    return Targets(version=version, expires=now + LIFETIMES["targets"], delegations=delegations)


def yanked_of(version: int, now: datetime) -> Targets:
    """The role that has nothing."""
    return Targets(version=version, expires=now + LIFETIMES["targets"])


def snapshot_of(versions: dict[str, int], version: int, now: datetime) -> Snapshot:
    """`versions` by role name."""
    meta = {f"{name}.json": MetaFile(version=one) for name, one in versions.items()}
    return Snapshot(version=version, expires=now + LIFETIMES["snapshot"], meta=meta)


def timestamp_of(snapshot: bytes, snapshot_version: int, version: int, now: datetime) -> Timestamp:
    """Names the one snapshot by version, length and hash."""
    meta = MetaFile.from_data(snapshot_version, snapshot, ["sha256"])
    return Timestamp(version=version, expires=now + LIFETIMES["timestamp"], snapshot_meta=meta)
