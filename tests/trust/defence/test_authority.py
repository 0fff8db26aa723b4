"""Certificates of the city's own authority are taken by TLS for what they are issued for, until they end or are revoked."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from madang.base.errors import BadRequest, Conflict, NotFound
from madang.cli.main import main
from madang.trust.defence.authority import Pair, issue, make_root
from madang.trust.defence.issued import Authority

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ROOT, STRANGER = make_root("yard", NOW), make_root("yard", NOW)


def is_taken(pair: Pair, root: Pair = ROOT, name: str = "yard.example", at: datetime = NOW) -> bool:
    """By RFC 5280 as the library of certificates checks it, for a server of this name."""
    verifier = PolicyBuilder().store(Store([root.x509])).time(at).build_server_verifier(x509.DNSName(name))
    try:
        verifier.verify(pair.x509, [])
    except VerificationError:
        return False
    return True


def test_a_server_is_who_it_says_and_nobody_else() -> None:
    pair = issue(ROOT, "server", ["yard.example", "10.1.0.5"], NOW)
    assert is_taken(pair)
    assert [
        is_taken(pair, name="other.example"),
        is_taken(pair, root=STRANGER),
        is_taken(pair, at=NOW + timedelta(days=91)),
        is_taken(pair, at=NOW - timedelta(hours=1)),
        is_taken(issue(STRANGER, "server", ["yard.example"], NOW)),
        is_taken(issue(ROOT, "device", ["yard.example"], NOW)),
    ] == [False] * 6


def test_a_device_is_a_client_by_its_id() -> None:
    pair = issue(ROOT, "device", ["sensor-7"], NOW, 10)
    verifier = PolicyBuilder().store(Store([ROOT.x509])).time(NOW).build_client_verifier()
    (name,) = verifier.verify(pair.x509, []).subjects or []
    assert name.value == "urn:madang:device:sensor-7"
    assert pair.x509.not_valid_after_utc == NOW + timedelta(days=10)


def test_what_was_issued_signs_nothing() -> None:
    pair = issue(ROOT, "server", ["yard.example"], NOW)
    assert not is_taken(issue(pair, "server", ["yard.example"], NOW))


@pytest.mark.parametrize(
    ("names", "days"), [([], None), ([""], None), (["x" * 201], None), (["마당"], None), (["a"], 0), (["a"], 91)]
)
def test_nonsense_is_refused(names: list[str], days: int | None) -> None:
    with pytest.raises(BadRequest):
        issue(ROOT, "server", names, NOW, days)


def test_a_revoked_one_is_on_the_list_until_it_is_over(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.init("yard", NOW)
    pairs = [authority.issue("device", [f"sensor-{n}"], NOW) for n in range(3)]
    serials = [f"{pair.x509.serial_number:x}" for pair in pairs]
    authority.revoke(serials[1], NOW + timedelta(days=1))
    listed = x509.load_pem_x509_crl((tmp_path / "revoked.crl").read_bytes())
    assert [one.serial_number for one in listed] == [pairs[1].x509.serial_number]
    assert listed.is_signature_valid(authority._root().x509.public_key())  # type: ignore[arg-type]
    assert [one.revoked is not None for one in authority.every()] == [False, True, False]
    authority.renew_list(NOW + timedelta(days=31))
    assert list(x509.load_pem_x509_crl((tmp_path / "revoked.crl").read_bytes())) == []
    with pytest.raises(BadRequest):
        authority.revoke(serials[1], NOW)
    with pytest.raises(NotFound):
        authority.revoke("abc", NOW)


def test_there_is_one_authority_and_its_key_is_its_own(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    with pytest.raises(NotFound):
        authority.issue("server", ["a"], NOW)
    authority.init("yard", NOW)
    with pytest.raises(Conflict):
        authority.init("yard", NOW)
    assert (tmp_path / "ca" / "root.key").stat().st_mode & 0o777 == 0o600


async def test_tls_takes_what_the_command_issued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MADANG_HOME", str(tmp_path))
    out = str(tmp_path / "out")
    for argv in (
        ["ca", "init", "helsinki"],
        ["ca", "issue", "helsinki", "server", "localhost", "127.0.0.1", "--out", out],
        ["ca", "issue", "helsinki", "device", "sensor-7", "--out", out],
    ):
        assert main(argv) == 0
    root = capsys.readouterr().out.splitlines()[0]
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=root)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_cert_chain(f"{out}/localhost.crt", f"{out}/localhost.key")
    client = ssl.create_default_context(cafile=root)
    client.load_cert_chain(f"{out}/sensor-7.crt", f"{out}/sensor-7.key")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        names = writer.get_extra_info("peercert")["subjectAltName"]
        writer.write(names[0][1].encode())
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server)
    port = listening.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client)
    assert await reader.read() == b"urn:madang:device:sensor-7"
    writer.close()
    listening.close()
    assert main(["ca", "list", "helsinki"]) == 0
    serial = capsys.readouterr().out.splitlines()[1].split(" ")[0]
    assert (main(["ca", "revoke", "helsinki", serial]), main(["ca", "crl", "helsinki"])) == (0, 0)
    assert main(["ca", "issue", "helsinki", "server", "localhost", "--out", out]) == 1  # it is there already
