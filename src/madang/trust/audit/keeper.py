"""Who signs the log, and keeps what was signed outside of the database: in files that only the city's own user reads."""

from __future__ import annotations

import asyncio
import base64
import os
from pathlib import Path

import asyncpg

from madang.base.errors import Conflict
from madang.engine.settings import secret
from madang.trust.audit.log import AuditLog
from madang.trust.audit.merkle import extends
from madang.trust.audit.note import LOG, WITNESS, Checkpoint, Signer, open_checkpoint


def signer_of(run_dir: Path, city: str, kind: int = LOG) -> Signer:
    """The city's key as a log or as a witness, made at first use in the run folder's `keys/`."""
    purpose = {LOG: "audit", WITNESS: "witness"}[kind]
    kept = secret(run_dir / "keys" / f"{purpose}.ed25519", 32)
    return Signer(f"madang/{city}/{purpose}", base64.urlsafe_b64decode(kept + "="), kind)


class Keeper:
    """Signs checkpoints of one log, each of which extends the one before, kept in `path`."""

    def __init__(self, log: AuditLog, signer: Signer, path: Path) -> None:
        self.log, self._signer, self._path = log, signer, path
        self._turn = asyncio.Lock()

    @property
    def key(self) -> str:
        """The verifier key of the log."""
        return self._signer.verifier.text()

    def kept_note(self) -> str | None:
        """What was signed last; None before the first."""
        return self._path.read_text(encoding="utf-8") if self._path.exists() else None

    def kept(self) -> Checkpoint | None:
        """What it says. Raises BadRequest when the file is not what this city signed."""
        note = self.kept_note()
        return None if note is None else open_checkpoint(note, self._signer.verifier)

    async def sign(self) -> str:
        """A signed note over the log as it is. Raises Conflict when the log is not an extension of what was signed before:
        to sign that would make a bent log look whole."""
        async with self._turn:
            before, size = self.kept(), await self.log.size()
            now = Checkpoint(self._signer.name, size, await self.log.root(size))
            if before == now:
                return self._path.read_text(encoding="utf-8")
            if before is not None and not await self._extends(before, now):
                raise Conflict("the audit log is not what was signed before: run `madang audit verify`")
            note = self._signer.sign(now)
            replace_file(self._path, note)
            return note

    async def _extends(self, before: Checkpoint, now: Checkpoint) -> bool:
        if before.size > now.size:
            return False
        path = await self.log.consistency(before.size, now.size) if before.size else []
        return extends(before.size, before.root, now.size, now.root, path)


def open_keeper(pool: asyncpg.Pool, run_dir: Path, city: str) -> Keeper:
    """That of one instance."""
    return Keeper(AuditLog(pool), signer_of(run_dir, city), run_dir / "audit" / "checkpoint")


def cosigned_dir(run_dir: Path) -> Path:
    """Where the notes lie that witnesses cosigned."""
    return run_dir / "audit" / "cosigned"


def find_checkpoint(run_dir: Path) -> Checkpoint | None:
    """What the instance of this folder signed last, whose key lies there too; None before the first. Raises BadRequest."""
    path, key = run_dir / "audit" / "checkpoint", run_dir / "keys" / "audit.ed25519"
    if not path.exists() or not key.exists():
        return None
    note = path.read_text(encoding="utf-8")
    verifier = Signer(note.partition("\n")[0], base64.urlsafe_b64decode(secret(key) + "=")).verifier
    return open_checkpoint(note, verifier)


def replace_file(path: Path, text: str) -> None:
    """At no moment is the file half there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
