"""The city's public certificate by ACME: from the environment to a keeper and the door that its server asks."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from madang.base.clock import SystemClock
from madang.base.errors import BadRequest
from madang.cli.serving import serve_plain
from madang.engine.settings import Settings, listen_on
from madang.people.challenge import ChallengeDoor
from madang.trust.acme.keeper import Keeper
from madang.trust.acme.kept import Kept


@dataclass(frozen=True)
class Acme:
    """`directory` is the server's; `host` is to be in the certificate, `address` its https:// origin."""

    directory: str
    email: str
    host: str
    address: str
    port: int

    @classmethod
    def from_env(cls) -> Acme | None:
        """None without `MADANG_ACME_DIRECTORY`. Raises BadRequest for what no certificate could come of."""
        directory = os.environ.get("MADANG_ACME_DIRECTORY", "")
        if not directory:
            return None
        if not directory.startswith("https://"):
            raise BadRequest("MADANG_ACME_DIRECTORY: an https:// address")
        address = os.environ.get("MADANG_ADDRESS", "").rstrip("/")
        return cls(directory, os.environ.get("MADANG_ACME_EMAIL", ""), _host_of(address), address, _port())

    def listen(self) -> socket.socket:
        """The plain-HTTP port. Raises BadRequest when it cannot be had."""
        try:
            return listen_on(os.environ.get("MADANG_HOST", "127.0.0.1"), self.port)
        except OSError as error:
            raise BadRequest(f"MADANG_ACME_HTTP_PORT {self.port}: {error.strerror}") from None


def _host_of(address: str) -> str:
    """Raises BadRequest where there is no host name that a public certificate could be of."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme != "https" or not host or parts.path or parts.query:
        raise BadRequest("MADANG_ACME_DIRECTORY needs MADANG_ADDRESS=https://HOST[:PORT]")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host
    raise BadRequest("MADANG_ADDRESS: ACME needs a host name, not an IP address")


def _port() -> int:
    text = os.environ.get("MADANG_ACME_HTTP_PORT", "80")
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise BadRequest("MADANG_ACME_HTTP_PORT: 1 to 65535")
    return int(text)


def kept_of(acme: Acme, run_dir: Path) -> Kept:
    """By server: a certificate of a trial is not taken for one of the server that people trust."""
    server = re.sub(r"[^a-z0-9.-]+", "_", acme.directory.removeprefix("https://").lower())
    return Kept(run_dir / "acme" / server)


async def keep_certificate(settings: Settings) -> None:
    """For ever, on the socket that the supervisor lent. Nothing without ACME."""
    acme = Acme.from_env()
    if acme is None:
        await asyncio.Event().wait()
        return
    from madang.trust.acme.order import Order  # some MB that a city without ACME does not need

    kept, answers = kept_of(acme, settings.run_dir), dict[str, str]()
    order = Order(acme.directory, acme.email, acme.host, kept.account_key, answers)
    door = socket.socket(fileno=int(os.environ["MADANG_ACME_FD"]))
    await asyncio.gather(
        serve_plain(ChallengeDoor(answers, acme.address), door),
        Keeper(kept, acme.host, order.obtain, SystemClock()).run(),
    )
