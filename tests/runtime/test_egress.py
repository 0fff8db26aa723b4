"""Out of the city only to where the manifest says, counted, in nobody else's name."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import asyncpg
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from madang.base.clock import SystemClock
from madang.base.errors import Forbidden, MadangError, Unavailable
from madang.engine.temporary import scratch
from madang.runtime.apps import Apps
from madang.runtime.doorman import Doorman
from madang.runtime.egress import Egress, read_connect
from madang.runtime.meter import Meter
from madang.runtime.records import Records
from madang.sdk import outside
from tests.runtime.packages import MANIFEST, app_folder

pytestmark = pytest.mark.engine
ID = "org.example.quiet"
EVER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@dataclass
class Way:
    """A way out, an echo at its end, and what is known of it."""

    apps: Apps
    doorman: Doorman
    meter: Meter
    port: int
    asked: list[str]

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(one.kind, one.detail) for one in self.doorman.events]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.read(100))
    writer.close()


@pytest.fixture
async def way(pool: asyncpg.Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Way]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port, asked, orders = server.sockets[0].getsockname()[1], list[str](), list[dict[str, Any]]()

    async def ask(request: dict[str, Any]) -> None:
        orders.append(request)

    async def resolve(host: str, port: int) -> str:
        asked.append(f"{host}:{port}")
        if host == "inside.example.org":
            raise OSError("private addresses are not asked")
        return "127.0.0.1"

    folder = scratch("madang-egress-")
    path = folder.path / "egress.sock"
    apps, records = Apps(pool, ask, folder.path / "app.sock", tmp_path / "apps"), Records(pool)
    doorman, meter = Doorman(records.every), Meter(pool, tmp_path / "meter", SystemClock())
    head, _, rest = MANIFEST.partition("[[scopes]]")
    named = f'egress = ["api.example.org:{port}", "inside.example.org:443"]'
    await apps.install(app_folder(tmp_path / "quiet", f"{head}{named}\n[[scopes]]{rest}"))
    await apps.enable(ID)
    monkeypatch.setenv("MADANG_APP_EGRESS", str(path))
    monkeypatch.setenv("MADANG_APP_TOKEN", orders[0]["order"]["env"]["MADANG_APP_TOKEN"])
    running = asyncio.create_task(Egress(apps, doorman, meter, resolve).run(path))
    while not path.exists():
        await asyncio.sleep(0)
    yield Way(apps, doorman, meter, port, asked)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    server.close()
    folder.remove()


def said(host: str, port: int, words: bytes) -> bytes:
    with outside.open_socket(host, port) as talk:
        talk.sendall(words)
        return talk.recv(100)


async def test_it_reaches_what_its_manifest_names_and_that_is_counted(way: Way) -> None:
    assert await asyncio.to_thread(said, "api.example.org", way.port, b"hello") == b"hello"
    await way.meter.sweep()
    assert await way.meter.usage(ID, *EVER) == {("", "egress_bytes"): Decimal(10)}
    assert way.told == []


async def test_no_other_place_is_even_looked_up(way: Way) -> None:
    with pytest.raises(Forbidden, match="not under egress"):
        await asyncio.to_thread(said, "evil.example.org", way.port, b"hello")
    with pytest.raises(Forbidden):
        await asyncio.to_thread(said, "api.example.org", 22, b"hello")
    assert (way.asked, way.told) == (
        [], [("egress_refused", f"evil.example.org:{way.port}"), ("egress_refused", "api.example.org:22")],
    )  # fmt: skip


async def test_a_name_of_the_inside_leads_nowhere(way: Way) -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        await asyncio.to_thread(said, "inside.example.org", 443, b"hello")


async def test_a_token_that_ended_opens_nothing(way: Way) -> None:
    await way.apps.disable(ID)
    with pytest.raises(Forbidden):
        await asyncio.to_thread(said, "api.example.org", way.port, b"hello")


async def test_what_is_no_tls_is_told_as_an_error(way: Way) -> None:
    with pytest.raises(MadangError):
        await outside.fetch("GET", f"https://api.example.org:{way.port}/")
    with pytest.raises(ValueError, match="https"):
        await outside.fetch("GET", "http://api.example.org/")


def certificate(folder: Path, name: str) -> Path:
    """Of that host by itself, with its key, good for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    who, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    signed = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
        key, hashes.SHA256()
    )
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "certificate.pem"
    path.write_bytes(signed.public_bytes(Encoding.PEM) + plain)
    return path


async def test_https_from_end_to_end(way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = certificate(tmp_path, "api.example.org")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(5)
        writer.write(
            b"HTTP/1.1 201 Created\r\nX-Kind: Test\r\nContent-Length: 20\r\n\r\n" + (head.split(b"\r\n")[0] + body)[:20]
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    manifest = await way.apps.manifest(ID)
    named = msgspec.structs.replace(manifest, egress=[f"api.example.org:{port}"])
    way.apps.manifest = AsyncMock(return_value=named)  # type: ignore[method-assign]
    answer = await outside.fetch("POST", f"https://api.example.org:{port}/a?b=c", {"x-a": "b"}, b"hello")
    server.close()
    assert answer == outside.Answer(201, {"x-kind": "Test", "content-length": "20"}, b"POST /a?b=c HTTP/1.1")


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nproxy-authorization: Bearer x\r\n\r\n",
        b"CONNECT a.example.org:443 HTTP/1.1\r\n\r\n",
        b"CONNECT a.example.org:443\r\n\r\n",
        b"CONNECT a.example.org:443 HTTP/1.1\r\nproxy-authorization: Basic x\r\n\r\n",
        b"\xff\xfe\r\n\r\n",
    ],
)
def test_anything_but_connect_is_refused(head: bytes) -> None:
    with pytest.raises(ValueError):
        read_connect(head)


def test_a_request_names_place_and_token() -> None:
    head = b"CONNECT API.example.org:443 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: bearer abc\r\n\r\n"
    assert read_connect(head) == ("api.example.org:443", "abc")
