"""Secrets that must be read again (header values for endpoints and sources, addresses with a password, tokens, keys of one-time
codes): in the database only as AES-256-GCM under a key of the run folder. Whoever has a dump alone has none of them."""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from madang.base.errors import Internal
from madang.engine.settings import secret

log = structlog.get_logger()
PREFIX = "sealed:1:"
_NONCE_BYTES = 12
_PAIRS = frozenset({"receiverInfo", "contextSourceInfo"})
_ADDRESSES = frozenset({"uri", "endpoint"})


class Seal:
    """`key` has 32 bytes and is kept in `name` of the run folder. `about` names whose a secret is: it opens nowhere else."""

    def __init__(self, key: bytes, name: str = "keys/seal") -> None:
        self._aead, self._key, self._name = AESGCM(key), key, name

    def close_bytes(self, text: str, about: str) -> bytes:
        """The nonce, and what it was sealed to."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, text.encode(), about.encode())

    def open_bytes(self, data: bytes, about: str) -> str:
        """Raises Internal when it was altered, moved, or sealed by another key."""
        try:
            return self._aead.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], about.encode()).decode()
        except (InvalidTag, ValueError):
            raise Internal(f"a sealed secret does not open: is {self._name} the one it began with?") from None

    def sign(self, text: str) -> str:
        """HMAC-SHA-256 in hexadecimal."""
        return hmac.new(self._key, text.encode(), "sha256").hexdigest()

    def fits(self, signature: str, text: str) -> bool:
        return hmac.compare_digest(signature.encode(), self.sign(text).encode())

    def close(self, text: str, about: str) -> str:
        """As it stands within a document. What is sealed already stays."""
        if text.startswith(PREFIX):
            return text
        return PREFIX + base64.b64encode(self.close_bytes(text, about)).decode()

    def open(self, text: str, about: str) -> str:
        """What was never sealed stays. What does not open is empty, and told in the process's log: one lost secret must not stop all
        others."""
        if not text.startswith(PREFIX):
            return text
        try:
            data = base64.b64decode(text.removeprefix(PREFIX), validate=True)
            if base64.b64encode(data).decode() != text.removeprefix(PREFIX):
                raise ValueError("not the one base64 of its bytes")
            return self.open_bytes(data, about)
        except (Internal, ValueError) as error:
            log.error("a sealed secret is as none", about=about, error=str(error))
            return ""

    def close_body(self, body: Any, about: str) -> Any:
        """A document as it is stored: header values and addresses with a password are sealed."""
        return _mapped(
            body,
            lambda text: self.close(text, about),
            lambda text: self.close(text, about) if _has_password(text) else text,
        )

    def open_body(self, body: Any, about: str) -> Any:
        """A document as it was said."""
        return _mapped(body, lambda text: self.open(text, about), lambda text: self.open(text, about))

    def open_row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row with `id` and `body`, as it was said."""
        return {**row, "body": self.open_body(row["body"], row["id"])}


def hide_body(body: Any) -> Any:
    """A document for who may read it and not use its secrets: header values are empty, addresses without their user."""
    return _mapped(body, lambda _: "", lambda text: _without_user(text) if _has_password(text) else text)


def _without_user(uri: str) -> str:
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _mapped(value: Any, pair: Callable[[str], str], address: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [_mapped(one, pair, address) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: _member(name, one, pair, address) for name, one in value.items()}


def _member(name: str, value: Any, pair: Callable[[str], str], address: Callable[[str], str]) -> Any:
    if name in _PAIRS and isinstance(value, list):
        return [_pair(one, pair) for one in value]
    if name in _ADDRESSES and isinstance(value, str):
        return address(value)
    return _mapped(value, pair, address)


def _pair(one: Any, change: Callable[[str], str]) -> Any:
    known = isinstance(one, dict) and isinstance(one.get("value"), str)
    return {**one, "value": change(one["value"])} if known else one


def _has_password(uri: str) -> bool:
    try:
        return urlsplit(uri).password is not None
    except ValueError:
        return False


def seal_of_city() -> Seal:
    """That of what callers entrust to the instance whose process this is (`MADANG_RUN_DIR`)."""
    return open_seal(Path(os.environ["MADANG_RUN_DIR"]), "keys/seal")


@lru_cache(maxsize=8)
def open_seal(run_dir: Path, name: str) -> Seal:
    """The one of an instance whose key is in `name`, made at first use."""
    return Seal(base64.urlsafe_b64decode(secret(run_dir / name, 32) + "="), name)
