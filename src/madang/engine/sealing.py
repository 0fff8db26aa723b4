"""Secrets of others that must be read again (header values for endpoints and sources, addresses with a password, tokens): in the
database only as AES-256-GCM under a key of the run folder. Whoever has a dump alone has none of them."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from madang.engine.settings import secret

log = structlog.get_logger()
PREFIX = "sealed:1:"
_NONCE_BYTES = 12
_PAIRS = frozenset({"receiverInfo", "contextSourceInfo"})
_ADDRESSES = frozenset({"uri", "endpoint"})


class Seal:
    """`key` has 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def close(self, text: str, about: str) -> str:
        """`about` names whose it is: it opens nowhere else. What is sealed already stays."""
        if text.startswith(PREFIX):
            return text
        nonce = os.urandom(_NONCE_BYTES)
        return PREFIX + base64.b64encode(nonce + self._aead.encrypt(nonce, text.encode(), about.encode())).decode()

    def open(self, text: str, about: str) -> str:
        """What was never sealed stays. What does not open (another key, altered, moved) is empty, and told in the process's log: one
        lost secret must not stop all others."""
        if not text.startswith(PREFIX):
            return text
        try:
            data = base64.b64decode(text.removeprefix(PREFIX), validate=True)
            if base64.b64encode(data).decode() != text.removeprefix(PREFIX):
                raise ValueError("not the one base64 of its bytes")
            return self._aead.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], about.encode()).decode()
        except (InvalidTag, ValueError):
            log.error("a sealed secret does not open: is keys/seal the one it began with?", about=about)
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
    """That of the instance whose process this is (`MADANG_RUN_DIR`), its key made at first use in `keys/seal`."""
    return _seal_of(os.environ["MADANG_RUN_DIR"])


@lru_cache(maxsize=4)
def _seal_of(run_dir: str) -> Seal:
    return Seal(base64.urlsafe_b64decode(secret(Path(run_dir) / "keys" / "seal", 32) + "="))
