"""The software bill of materials of an app, made of its lock: CycloneDX 1.6 JSON (ECMA-424)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.contact import OrganizationalEntity
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from madang.runtime.manifest import Manifest
from madang.store.review.lockfile import Locked


def sbom_of(manifest: Manifest, sha256: str, locked: Iterable[Locked], now: datetime) -> dict[str, Any]:
    """The same package gives the same document but for its time; the serial number comes of the hash."""
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, f"sha256:{sha256}"))
    app = Component(
        type=ComponentType.APPLICATION,
        name=manifest.id,
        version=manifest.version,
        bom_ref=f"{manifest.id}@{manifest.version}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)],
        supplier=OrganizationalEntity(name=manifest.publisher or manifest.id),
    )
    bom.metadata.component, bom.metadata.timestamp = app, now
    parts = [_component(one) for one in locked]
    for part in parts:
        bom.components.add(part)
    bom.register_dependency(app, parts)
    document: dict[str, Any] = msgspec.json.decode(JsonV1Dot6(bom).output_as_string())
    return document


def _component(one: Locked) -> Component:
    """A lock lists each file a version may be, so the hashes are told as properties of none: only a single one is the component's."""
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=one.hashes[0])] if len(one.hashes) == 1 else []
    return Component(
        type=ComponentType.LIBRARY,
        name=one.name,
        version=one.version,
        bom_ref=f"{one.name}@{one.version}",
        purl=PackageURL("pypi", name=one.name, version=one.version),
        hashes=hashes,
    )
