"""A city's own certificate authority for its devices and inner servers (X.509, RFC 5280; EC P-256). Pure but for the keys it draws."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from madang.base.errors import BadRequest

Use = Literal["server", "device"]
ROOT_DAYS, DAYS = 3_650, {"server": 90, "device": 30}
CRL_DAYS = 7
BEFORE = timedelta(minutes=5)  # clocks of devices are slow
_PURPOSES = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "device": ExtendedKeyUsageOID.CLIENT_AUTH}


@dataclass(frozen=True)
class Pair:
    """A key and its certificate, both PEM."""

    key: bytes
    certificate: bytes

    @property
    def x509(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.certificate)


def make_root(city: str, now: datetime) -> Pair:
    """An authority that signs certificates of devices and servers, and no further authority."""
    key, name = ec.generate_private_key(ec.SECP256R1()), _name(f"Madang {city}")
    usage = x509.KeyUsage(
        False, False, False, False, False, True, True, False, False
    )  # certificates and lists of revoked ones
    builder = (
        _builder(name, name, key.public_key(), now, ROOT_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Pair(_pem(key), builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


def issue(root: Pair, use: Use, names: Sequence[str], now: datetime, days: int | None = None) -> Pair:
    """A new key with its certificate. `names` of a server are host names and addresses, of a device its id. Short-lived: `days` at
    most what is usual for the use. Raises BadRequest."""
    if not names or not all(0 < len(one) <= 200 and one.isprintable() for one in names):
        raise BadRequest("a certificate has a name, of at most 200 characters each")
    lasts = DAYS[use] if days is None else days
    if not 1 <= lasts <= DAYS[use]:
        raise BadRequest(f"days: 1 to {DAYS[use]}")
    signer, key = _key(root), ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(_name(names[0]), root.x509.subject, key.public_key(), now, lasts)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(True, False, False, False, False, False, False, False, False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([_PURPOSES[use]]), critical=False)
        .add_extension(x509.SubjectAlternativeName(list(_alternatives(use, names))), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    return Pair(_pem(key), builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


def revoked_list(root: Pair, revoked: Iterable[tuple[int, datetime]], number: int, now: datetime) -> bytes:
    """The certificate revocation list, PEM; `revoked` are serial numbers with when."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.x509.subject)
        .last_update(now)
        .next_update(now + timedelta(days=CRL_DAYS))
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    for serial, at in revoked:
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build()
        builder = builder.add_revoked_certificate(one)
    return builder.sign(_key(root), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BEFORE)
        .not_valid_after(now + timedelta(days=days))
    )


def _alternatives(use: Use, names: Sequence[str]) -> Iterable[x509.GeneralName]:
    for name in names:
        if use == "device":
            yield x509.UniformResourceIdentifier(f"urn:madang:device:{_ascii(name)}")
            continue
        try:
            yield x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            yield x509.DNSName(_ascii(name))


def _ascii(name: str) -> str:
    if not name.isascii():
        raise BadRequest("names in certificates are ASCII; of a host name its xn-- form")
    return name


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _key(pair: Pair) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pair.key, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise BadRequest("the authority's key is not of an elliptic curve")
    return key


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
