"""What is kept of ACME in the run folder: the account's key, the certificate in use, how often none came."""

from __future__ import annotations

import os
import ssl
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from madang.trust.acme.renewal import Attempts
from madang.trust.defence.authority import issue, make_root


class Kept:
    """In `folder` (0700), all 0600: `account.pem`, `certificate.pem` (a key and its chain in one file, so that no moment has
    the one without the other), `attempts.json`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / "certificate.pem"

    def prepare(self, host: str, now: datetime) -> None:
        """Where no certificate can be used yet, one that nobody trusts and that was over yesterday: the city speaks TLS while it
        asks for a real one."""
        for one in (self._folder.parent, self._folder):
            one.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not is_usable(self.path):
            past = now - timedelta(days=2)
            pair = issue(make_root(host, past), "server", [host], past, 1)
            self._write(self.path, pair.key + pair.certificate)

    def certificate(self) -> x509.Certificate:
        """Raises OSError, ValueError."""
        return x509.load_pem_x509_certificate(self.path.read_bytes())

    def replace(self, pem: bytes) -> None:
        """Takes a key and its chain, PEM. Raises ssl.SSLError for what a server could not use; the one before stays then."""
        self._write(self.path, pem, is_certificate=True)

    def account_key(self) -> bytes:
        """The key that the ACME account is known by (PEM, EC P-256), made at first use."""
        path = self._folder / "account.pem"
        if not path.exists():
            self._write(path, new_key())
        return path.read_bytes()

    @property
    def attempts(self) -> Attempts:
        try:
            return msgspec.json.decode((self._folder / "attempts.json").read_bytes(), type=Attempts)
        except (OSError, msgspec.DecodeError):
            return Attempts()

    @attempts.setter
    def attempts(self, attempts: Attempts) -> None:
        self._write(self._folder / "attempts.json", msgspec.json.encode(attempts))

    def _write(self, path: Path, data: bytes, is_certificate: bool = False) -> None:
        """All of it or nothing, on disk."""
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if is_certificate:
            load(fresh)
        fresh.replace(path)


def load(path: Path) -> None:
    """Raises OSError, ssl.SSLError for a file that a server could not use."""
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path)


def is_usable(path: Path) -> bool:
    try:
        load(path)
    except (OSError, ssl.SSLError):
        return False
    return True


def new_key() -> bytes:
    """EC P-256, PEM (PKCS #8), not encrypted."""
    form = serialization.PrivateFormat.PKCS8
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
