"""The keys tokens are signed with: in one file of the run folder that only the city's own user reads, never in the database."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
from joserfc.jwk import ECKey, JWKRegistry, RSAKey

from madang.base.limits import ACCESS_TOKEN_LIFETIME_S, SIGNING_KEY_LIFETIME_S

ID_TOKEN_ALG, ACCESS_TOKEN_ALG = "RS256", "ES256"
ALGORITHMS = (ID_TOKEN_ALG, ACCESS_TOKEN_ALG)
KEPT_S = 24 * 3_600
"""A retired key is published for this long: longer than any token it signed, and than a relying party's memory of our keys."""
assert KEPT_S > ACCESS_TOKEN_LIFETIME_S


@dataclass(frozen=True)
class SigningKey:
    """`jwk` is private; times are seconds of the epoch. `retired_at`: when another took its place."""

    kid: str
    alg: str
    made_at: int
    retired_at: int | None
    jwk: dict[str, Any]


Make = Callable[[str, int], SigningKey]


def make_key(alg: str, now_s: int) -> SigningKey:
    """A fresh one."""
    key = RSAKey.generate_key(2048, auto_kid=True) if alg == "RS256" else ECKey.generate_key("P-256", auto_kid=True)
    return SigningKey(str(key.kid), alg, now_s, None, dict(key.as_dict(private=True)))


def rotated(
    keys: tuple[SigningKey, ...], now_s: int, now: bool = False, make: Make = make_key
) -> tuple[SigningKey, ...]:
    """The ring as it should be: of each algorithm one key in use, made within SIGNING_KEY_LIFETIME_S (or just now), and those
    retired for less than KEPT_S. Pure but for `make`."""
    out = [key for key in keys if key.retired_at is not None and now_s - key.retired_at < KEPT_S]
    for alg in ALGORITHMS:
        used = [key for key in keys if key.alg == alg and key.retired_at is None]
        young = [key for key in used if not now and now_s - key.made_at < SIGNING_KEY_LIFETIME_S]
        out += [replace(key, retired_at=now_s) for key in used if key not in young[:1]]
        out += young[:1] or [make(alg, now_s)]
    return tuple(out)


class KeyRing:
    """That of one instance; `path` is shared by its processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: tuple[SigningKey, ...] = ()
        self._opened: dict[str, Any] = {}

    def refresh(self, now_s: int, now: bool = False) -> None:
        """Reads the file, and rotates what is due (everything when `now`)."""
        with _locked(self._path):
            kept = _read(self._path)
            keys = rotated(kept, now_s, now)
            if keys != kept:
                _write(self._path, keys)
        self._take(keys)

    def signing(self, alg: str) -> tuple[str, Any]:
        """`(kid, private key)` in use."""
        key = next(key for key in self._keys if key.alg == alg and key.retired_at is None)
        return key.kid, self._opened[key.kid]

    def verifying(self, kid: object) -> tuple[str, Any] | None:
        """`(its only algorithm, key)`; None for an unknown one. A key that another process just made is read."""
        if kid not in self._opened:
            self._take(_read(self._path))
        found = next((key for key in self._keys if key.kid == kid), None)
        return None if found is None else (found.alg, self._opened[found.kid])

    def public(self) -> dict[str, Any]:
        """The JWK set (RFC 7517)."""
        return {
            "keys": [
                {**self._opened[key.kid].as_dict(private=False), "kid": key.kid, "use": "sig", "alg": key.alg}
                for key in self._keys
            ]
        }

    def _take(self, keys: tuple[SigningKey, ...]) -> None:
        self._keys = keys
        self._opened = {key.kid: JWKRegistry.import_key(key.jwk) for key in keys}


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _read(path: Path) -> tuple[SigningKey, ...]:
    return msgspec.json.decode(path.read_bytes(), type=tuple[SigningKey, ...]) if path.exists() else ()


def _write(path: Path, keys: tuple[SigningKey, ...]) -> None:
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(keys))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
