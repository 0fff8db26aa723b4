"""The authority's folder: its key (0600), its certificate, what it issued, and the list of what is revoked."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from madang.base.errors import BadRequest, Conflict, NotFound
from madang.trust.defence.authority import Pair, Use, issue, make_root, revoked_list


class Issued(msgspec.Struct, frozen=True):
    """One certificate; `serial` is hexadecimal, a key is never kept."""

    serial: str
    use: Use
    names: list[str]
    until: datetime
    revoked: datetime | None = None


class Authority:
    """In `folder`: `root.key`, `root.crt`, `issued.json`, `revoked.crl`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def init(self, city: str, now: datetime) -> bytes:
        """Its certificate, for those who are to trust it. Raises Conflict when there is one."""
        if (self._folder / "root.key").exists():
            raise Conflict(f"there is an authority in {self._folder} already")
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        root = make_root(city, now)
        write_new(self._folder / "root.key", root.key)
        write_new(self._folder / "root.crt", root.certificate)
        self._keep([], root, now)
        return root.certificate

    def issue(self, use: Use, names: list[str], now: datetime, days: int | None = None) -> Pair:
        """Raises NotFound without an authority, BadRequest."""
        root = self._root()
        pair = issue(root, use, names, now, days)
        one = Issued(f"{pair.x509.serial_number:x}", use, names, pair.x509.not_valid_after_utc)
        with self._turn():
            self._keep([*self.every(), one], root, now)
        return pair

    def revoke(self, serial: str, now: datetime) -> Issued:
        """Raises NotFound, BadRequest when it is revoked already."""
        with self._turn():
            issued = self.every()
            found = next((one for one in issued if one.serial == serial.lower()), None)
            if found is None:
                raise NotFound(f"no certificate {serial[:80]} was issued here")
            if found.revoked is not None:
                raise BadRequest("it is revoked already")
            gone = msgspec.structs.replace(found, revoked=now)
            self._keep([gone if one is found else one for one in issued], self._root(), now)
            return gone

    def renew_list(self, now: datetime) -> Path:
        """A revocation list for another week. Raises NotFound without an authority."""
        root = self._root()
        with self._turn():
            self._keep(self.every(), root, now)
        return self._folder / "revoked.crl"

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Two commands at once lose nothing that was issued. Raises NotFound without an authority."""
        self._root()
        with (self._folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def every(self) -> list[Issued]:
        path = self._folder / "issued.json"
        return msgspec.json.decode(path.read_bytes(), type=list[Issued]) if path.exists() else []

    def _root(self) -> Pair:
        try:
            return Pair((self._folder / "root.key").read_bytes(), (self._folder / "root.crt").read_bytes())
        except FileNotFoundError:
            raise NotFound("there is no authority yet: madang ca init CITY") from None

    def _keep(self, issued: list[Issued], root: Pair, now: datetime) -> None:
        """What is over needs no entry on the list."""
        revoked = [(int(one.serial, 16), one.revoked) for one in issued if one.revoked is not None and one.until > now]
        _replace(self._folder / "issued.json", msgspec.json.encode(issued))
        _replace(self._folder / "revoked.crl", revoked_list(root, revoked, int(now.timestamp()), now))


def write_new(path: Path, data: bytes) -> None:
    """A file that nobody else reads. Raises Conflict when there is one of that name."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict(f"{path} is there already") from None
    with os.fdopen(handle, "wb") as file:
        file.write(data)


def _replace(path: Path, data: bytes) -> None:
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    write_new(fresh, data)
    fresh.replace(path)
