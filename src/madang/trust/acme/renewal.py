"""When the next certificate is to be asked for. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from cryptography import x509

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=5), timedelta(hours=6)
"""Public authorities count failed validations by the hour; five of them is a common limit."""
_AT_ONCE = datetime.min.replace(tzinfo=UTC)


class Attempts(msgspec.Struct, frozen=True):
    """How often in a row no certificate came, and before when nobody asks again."""

    failures: int = 0
    not_before: datetime = _AT_ONCE

    def failed(self, now: datetime) -> Attempts:
        """After one more failure: each pause is twice the one before, from `FIRST_PAUSE` to `LONGEST_PAUSE`."""
        pause = min(FIRST_PAUSE * 2 ** min(self.failures, 16), LONGEST_PAUSE)
        return Attempts(self.failures + 1, now + pause)


def names_of(certificate: x509.Certificate) -> frozenset[str]:
    """Its host names; of other kinds of names none."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(found.value.get_values_for_type(x509.DNSName))


def renew_at(certificate: x509.Certificate, host: str) -> datetime:
    """When a third of its lifetime is left; long ago when it is of another host."""
    if host not in names_of(certificate):
        return _AT_ONCE
    lasts = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return certificate.not_valid_after_utc - lasts / 3


def ask_at(certificate: x509.Certificate, host: str, attempts: Attempts) -> datetime:
    """When to ask for the next one, failures considered."""
    return max(renew_at(certificate, host), attempts.not_before)
