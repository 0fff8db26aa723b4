"""Out of the city and back: through the city's way out, with TLS from end to end, to nowhere else."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from madang.sdk import App, DoorClosed, DoorError
from madang.sdk.http import Answer
from madang.sdk.outward import Outward
from madang.sdk.testing import FakeCity

HOST = "sms.example"


def certificate(folder: Path) -> Path:
    """Key and self-signed certificate of HOST in one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(text + made.public_bytes(serialization.Encoding.PEM))
    return path


@dataclass
class World:
    """A provider of text messages behind the city's way out, which knows one token and one host."""

    way_out: str
    trust: ssl.SSLContext
    port: int = 0
    heard: list[bytes] = field(default_factory=list)
    wanted: list[bytes] = field(default_factory=list)

    async def provide(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.append(await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(10))
        writer.write(b'HTTP/1.1 201 Created\r\nContent-Length: 13\r\n\r\n{"sent":true}')
        await writer.drain()
        writer.close()

    async def lead_out(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.wanted.append(await reader.readuntil(b"\r\n\r\n"))
        if (
            not self.wanted[-1].startswith(f"CONNECT {HOST}:443 ".encode())
            or b"Bearer secret\r\n" not in self.wanted[-1]
        ):
            writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            return writer.close()
        far, near = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        await asyncio.gather(pump(reader, near), pump(far, writer))


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    sink.close()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    path = certificate(tmp_path)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(path)
    world = World(str(tmp_path / "out.sock"), ssl.create_default_context(cafile=str(path)))
    provider = await asyncio.start_server(world.provide, "127.0.0.1", 0, ssl=serving)
    world.port = provider.sockets[0].getsockname()[1]
    way_out = await asyncio.start_unix_server(world.lead_out, world.way_out)
    yield world
    for server in (provider, way_out):
        server.close()


async def test_an_app_asks_a_host_of_its_manifest_and_no_other(world: World) -> None:
    app = App()
    app.outside = Outward(world.way_out, "secret", world.trust)
    answer = await app.fetch(f"https://{HOST}/send?x=1", "POST", {"to": "1"}, x_key="k")
    assert (answer.status, answer.json()) == (201, {"sent": True})
    head, _, body = world.heard[0].partition(b"\r\n\r\n")
    assert (
        head.startswith(b"POST /send?x=1 HTTP/1.1\r\n") and b"x-key: k" in head and b"host: sms.example" in head.lower()
    )
    assert body == b'{"to": "1"}'[:10]
    with pytest.raises(DoorError) as told:
        await app.fetch("https://elsewhere.example/")
    assert told.value.status == 403
    app.outside = Outward(world.way_out, "secret")  # an authority that this machine does not know
    with pytest.raises(DoorClosed):
        await app.fetch(f"https://{HOST}/")
    app.outside = Outward(world.way_out + ".gone")
    with pytest.raises(DoorClosed):
        await app.fetch(f"https://{HOST}/")
    with pytest.raises(ValueError, match="no address"):
        await app.fetch("file:///etc/passwd")


async def test_in_a_test_the_world_answers_as_the_test_says(tmp_path: Path) -> None:
    (tmp_path / "app.toml").write_text(f'egress = ["{HOST}:443"]\n')
    app = App()
    async with FakeCity(app, tmp_path) as city:
        city.outside.answer = lambda asked: Answer(202, b'{"ok": 1}')
        answer = await app.fetch(f"https://{HOST}/send", "POST", "hello")
        with pytest.raises(DoorError):
            await app.fetch("https://elsewhere.example/")
    assert (answer.status, answer.json(), [one["body"] for one in city.outside.asked]) == (202, {"ok": 1}, [b"hello"])
