"""What a publisher signs at home: the role that names all of its packages. Used by `madang store sign`; knows no store."""

from __future__ import annotations

from datetime import datetime, timedelta

from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, TargetFile, Targets
from tuf.api.serialization import DeserializationError

from madang.base.errors import BadRequest
from madang.store.registry.documents import encode

ROLE_LIFETIME = timedelta(days=365)


def target_path(publisher: str, app: str, version: str) -> str:
    """Where a package stands among the targets."""
    return f"{publisher}/{app}-{version}.madang"


def read_role(body: bytes) -> Metadata[Targets]:
    """Raises BadRequest for what is no targets metadata."""
    try:
        return Metadata[Targets].from_bytes(body)
    except (DeserializationError, RepositoryError, ValueError):
        raise BadRequest("not TUF targets metadata", reason="role_form") from None


def signed_role(before: bytes | None, path: str, package: bytes, signer: CryptoSigner, now: datetime) -> bytes:
    """The publisher's role with one package more: the version after `before`, the others of it kept. Raises BadRequest."""
    last = read_role(before).signed if before else None
    targets = dict(last.targets) if last is not None else {}
    targets[path] = TargetFile.from_data(path, package, ["sha256"])
    version = last.version + 1 if last is not None else 1
    return encode(Targets(version=version, expires=now + ROLE_LIFETIME, targets=targets), signer)
