"""A city gets its certificate of a real ACME server (pebble), and the next one while it runs."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from madang.base.clock import SystemClock
from madang.cli.instance import Instance, demo_env
from madang.engine.settings import free_port
from madang.engine.temporary import scratch
from madang.trust.acme.kept import Kept
from madang.trust.acme.renewal import names_of
from madang.trust.defence.authority import issue, make_root
from tests.flow.conftest import FIXTURES
from tests.waiting import until

pytestmark = pytest.mark.engine
HOST = "yard.test"
LASTS_S = 15
NOW = SystemClock().now()
ROOT = make_root("pebble", NOW)


@dataclass(frozen=True)
class Pebble:
    """`directory` and `roots` are its addresses, `asks` the port where it looks for answers, `root` the file of its own TLS."""

    directory: str
    roots: str
    asks: int
    root: Path


async def start(*argv: str, **env: str) -> asyncio.subprocess.Process:
    quiet = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(*argv, env=os.environ | env, stdout=quiet, stderr=quiet)


def lay(folder: Path) -> Pebble:
    """Its files: it speaks TLS itself, certificates end soon, answers are looked for on a port of ours."""
    pair = issue(ROOT, "server", ["localhost", "127.0.0.1"], NOW)
    for name, data in {"key": pair.key, "crt": pair.certificate, "root": ROOT.certificate}.items():
        (folder / name).write_bytes(data)
    ports = [free_port() for _ in range(4)]
    settings = {
        "listenAddress": f"127.0.0.1:{ports[0]}",
        "managementListenAddress": f"127.0.0.1:{ports[1]}",
        "certificate": str(folder / "crt"),
        "privateKey": str(folder / "key"),
        "httpPort": ports[2],
        "tlsPort": ports[3],
        "certificateValidityPeriod": LASTS_S,
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
    base = "https://127.0.0.1"
    return Pebble(f"{base}:{ports[0]}/dir", f"{base}:{ports[1]}/roots/0", ports[2], folder / "root")


@pytest.fixture(scope="module")
async def pebble(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pebble]:
    """Every name is this machine. No nonce is refused by chance: the library asks only once more, and a failure is a pause."""
    if not (shutil.which("pebble") and shutil.which("pebble-challtestsrv")):
        pytest.skip("no ACME server on this machine: apt-get install pebble")
    folder = tmp_path_factory.mktemp("pebble")
    laid, names, management = lay(folder), f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    off = [f"-{one}=" for one in ("http01", "https01", "tlsalpn01", "defaultIPv6")]
    config, chance = str(folder / "pebble.json"), {"PEBBLE_AUTHZREUSE": "50", "PEBBLE_WFE_NONCEREJECT": "0"}
    processes = [
        await start("pebble-challtestsrv", "-dns01", names, "-management", management, *off),
        await start("pebble", "-config", config, "-dnsserver", names, "-strict", PEBBLE_VA_NOSLEEP="1", **chance),
    ]
    await until(lambda: fetch(laid, laid.directory), "pebble answers")
    yield laid
    for one in processes:
        one.kill()
        await one.wait()


async def fetch(pebble: Pebble, url: str) -> str:
    """Nothing while it does not answer."""
    trusting = ssl.create_default_context(cafile=str(pebble.root))
    async with httpx.AsyncClient(verify=trusting, trust_env=False) as client:
        try:
            return (await client.get(url)).text
        except httpx.TransportError:
            return ""


def shown(city: Instance, trusting: ssl.SSLContext) -> x509.Certificate | None:
    """What the city shows to who trusts the ACME server's root alone and checks the chain and the name; None while that fails."""
    try:
        with (
            socket.create_connection(("127.0.0.1", city.settings.http_port), 5) as line,
            trusting.wrap_socket(line, server_hostname=HOST) as secured,
        ):
            return x509.load_der_x509_certificate(secured.getpeercert(True) or b"")
    except ssl.SSLCertVerificationError:
        return None


@asynccontextmanager
async def running(directory: str, asks: int, root: Path) -> AsyncIterator[Instance]:
    """A city that is to ask an ACME server."""
    folder = scratch("madang-flow-")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MADANG_ACME_DIRECTORY", directory)
        environment.setenv("MADANG_ACME_EMAIL", "it@yard.test")
        environment.setenv("MADANG_ACME_HTTP_PORT", str(asks))
        environment.setenv("MADANG_ADDRESS", f"https://{HOST}")
        environment.setenv("REQUESTS_CA_BUNDLE", str(root))
        env = demo_env("reader", folder.path / "tiles", None, None)
        instance = Instance(folder.path, "yard", FIXTURES / "yard.toml", None, env, print)
        await instance.start_engines()
        await instance.start_kernel()
        yield instance
        await instance.stop()
    folder.remove()


@pytest.fixture(scope="module")
async def city(pebble: Pebble) -> AsyncIterator[Instance]:
    async with running(pebble.directory, pebble.asks, pebble.root) as instance:
        yield instance


async def test_a_city_gets_its_certificate_and_the_next_while_it_runs(pebble: Pebble, city: Instance) -> None:
    trusting = ssl.create_default_context(cadata=await fetch(pebble, pebble.roots))

    def another(than: x509.Certificate | None = None) -> x509.Certificate | None:
        found = shown(city, trusting)
        return None if found == than else found

    first = await until(lambda: asyncio.to_thread(another), "a certificate of the ACME server", 60)
    process = city.supervisor.members["gateway"].state.pid
    second = await until(lambda: asyncio.to_thread(another, first), "the next one", 60)
    assert (names_of(first), names_of(second)) == (frozenset({HOST}), frozenset({HOST}))
    assert first.public_key() != second.public_key()
    assert city.supervisor.members["gateway"].state.pid == process
    (kept,) = (city.run_dir / "acme").iterdir()
    assert {one.name: one.stat().st_mode & 0o777 for one in kept.iterdir()} == {
        "account.pem": 0o600,
        "attempts.json": 0o600,
        "certificate.pem": 0o600,
    }


async def test_the_plain_port_says_nothing_but_where_https_is(pebble: Pebble, city: Instance) -> None:
    async with httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{pebble.asks}") as client:
        found = await client.get("/ngsi-ld/v1/entities?type=Device")
        challenge = await client.get("/.well-known/acme-challenge/guessed")
    assert (found.status_code, found.headers["location"]) == (308, f"https://{HOST}/ngsi-ld/v1/entities?type=Device")
    assert (challenge.status_code, challenge.content) == (404, b"")


async def test_a_city_does_not_wait_for_an_acme_server(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.write_bytes(ROOT.certificate)
    async with (
        running(f"https://127.0.0.1:{free_port()}/dir", free_port(), root) as city,
        httpx.AsyncClient(verify=False, trust_env=False, base_url=city.url) as client,
    ):
        answer = await client.get("version")
        (kept,) = (city.run_dir / "acme").iterdir()
        failures = await until(lambda: Kept(kept).attempts.failures, "an attempt that failed")
        certificate = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", city.settings.http_port))
    assert (answer.status_code, failures) == (200, 1)
    assert x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc < NOW
