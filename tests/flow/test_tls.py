"""A city with a certificate speaks TLS to people and devices, takes a renewed one into use, and apps keep their door."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from madang.base.clock import SystemClock
from madang.base.errors import BadRequest
from madang.cli.instance import Instance, demo_env
from madang.cli.serving import certificate_files, door_path, reload
from madang.engine.temporary import scratch
from madang.trust.defence.authority import Pair, issue, make_root
from tests.flow.conftest import FIXTURES

pytestmark = pytest.mark.engine
NOW = SystemClock().now()
ROOT = make_root("yard", NOW)


def lay(folder: Path, pair: Pair) -> tuple[Path, Path]:
    files = (folder / "city.crt", folder / "city.key")
    files[0].write_bytes(pair.certificate)
    files[1].write_bytes(pair.key)
    return files


@pytest.fixture
async def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Instance]:
    certificate, key = lay(tmp_path, issue(ROOT, "server", ["localhost", "127.0.0.1"], NOW))
    monkeypatch.setenv("MADANG_TLS_CERTIFICATE", str(certificate))
    monkeypatch.setenv("MADANG_TLS_KEY", str(key))
    folder = scratch("madang-flow-")
    env = demo_env("reader", folder.path / "tiles", None, None)
    instance = Instance(folder.path, "yard", FIXTURES / "yard.toml", None, env, print)
    await instance.start_engines()
    await instance.start_kernel()
    yield instance
    await instance.stop()
    folder.remove()


async def test_people_come_by_tls_and_apps_by_their_door(secure: Instance) -> None:
    trusting = ssl.create_default_context(cadata=ROOT.certificate.decode())
    async with httpx.AsyncClient(verify=trusting, trust_env=False, base_url=secure.url) as people:
        answer = await people.get("version")
    door = httpx.AsyncHTTPTransport(uds=str(door_path(secure.settings)))
    async with httpx.AsyncClient(transport=door, base_url="http://app-door") as app:
        inside = await app.get("/version")
    async with httpx.AsyncClient(trust_env=False) as plain:
        with pytest.raises(httpx.HTTPError):
            await plain.get(secure.url.replace("https", "http") + "version")
    assert secure.url.startswith("https://")
    assert (answer.status_code, answer.headers["strict-transport-security"]) == (200, "max-age=31536000")
    assert inside.status_code == 200


def test_a_renewed_certificate_is_taken_and_a_broken_one_is_not(tmp_path: Path) -> None:
    files = lay(tmp_path, issue(ROOT, "server", ["a.example"], NOW))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    first = reload(context, files, ())
    assert reload(context, files, first) == first
    files[1].write_bytes(b"nothing")
    assert reload(context, files, first) == first
    lay(tmp_path, issue(ROOT, "server", ["a.example"], NOW))
    assert reload(context, files, first) != first


def test_one_file_without_the_other_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADANG_TLS_CERTIFICATE", "city.crt")
    with pytest.raises(BadRequest):
        certificate_files()
