"""Devices and clients over the management interface: issued, changed, ended, by who may, and all of it on record."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from tests.browsing import CALLBACK, City, open_city
from tests.callers import GATE

from madang.trust.audit.log import decode_leaf
from madang.trust.audit.recorder import Recorder

pytestmark = pytest.mark.engine


@pytest.fixture
async def operated(pool, keys_dir, recorder, city: City) -> AsyncIterator[City]:  # type: ignore[no-untyped-def]
    """The same city behind a door whose callers are administrators."""
    async with open_city(pool, keys_dir, recorder, city.clock, "administrator") as other:
        yield other


@pytest.fixture
async def door(operated: City) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{operated.url}madang/v1/", trust_env=False) as client:
        yield client


async def test_a_device_from_its_first_secret_to_its_end(door: httpx.AsyncClient, recorder: Recorder) -> None:
    made = (await door.post("devices", json={"id": "bin-7", "name": "Bin", "topics": ["bin/7"]})).json()
    async with httpx.AsyncClient(base_url=door.base_url, trust_env=False, auth=("bin-7", made["secret"])) as device:
        own = [(await device.get("devices")).status_code]
        changed = await door.patch("devices/bin-7", json={"name": "Big bin", "topics": ["bin/7", "bin/8"]})
        rotated = await door.post("devices/bin-7/secret", json={"grace_s": 60})
        own.append((await device.get("devices")).status_code)
        ended = await door.delete("devices/bin-7")
        own.append((await device.get("devices")).status_code)
    assert own == [403, 403, 401]  # known, and may not manage; then not known
    assert changed.json()["topics"] == ["bin/7", "bin/8"]
    assert (rotated.json()["secret"] != made["secret"], ended.status_code) == (True, 204)
    assert (await door.get("devices/bin-7")).status_code == 404
    assert (await door.post("devices", json={"id": "bin-7"})).status_code == 409
    await recorder.settle()
    leaves = [decode_leaf(one["leaf"]) for one in await recorder.log.page(20, None, None, None, "device:bin-7")]
    acts = ["add", "change", "rotate", "end"]
    told = [(f"device.{act}", outcome) for act in acts for outcome in ("accepted", "done")]
    assert sorted((leaf["what"], leaf["outcome"]) for leaf in leaves) == sorted(
        [*told, ("device.add", "accepted"), ("device.add", "failed")]
    )
    assert "secret" not in str(leaves)


async def test_devices_come_by_pages(door: httpx.AsyncClient) -> None:
    for name in ("a", "b", "c"):
        await door.post("devices", json={"id": name})
    pages = [(await door.get("devices", params={"limit": 2, "after": after})).json() for after in ("", "b")]
    assert [[one["id"] for one in page] for page in pages] == [["a", "b"], ["c"]]


async def test_a_client_from_its_registration_to_its_end(door: httpx.AsyncClient, operated: City) -> None:
    asked = {"name": "Sensor gateway", "grants": ["client_credentials"], "scopes": ["madang"], "principal": "device"}
    made = (await door.post("clients", json=asked)).json()
    form = {"grant_type": "client_credentials"}

    async def try_secret(secret: str) -> int:
        async with httpx.AsyncClient(base_url=operated.url, trust_env=False) as http:
            return (await http.post("oauth/token", data=form, auth=(made["id"], secret))).status_code

    fresh = (await door.post(f"clients/{made['id']}/secret")).json()["secret"]
    assert [await try_secret(secret) for secret in (made["secret"], fresh)] == [401, 200]
    (listed,) = (await door.get("clients")).json()
    assert listed == (await door.get(f"clients/{made['id']}")).json()
    assert {name: listed[name] for name in ("name", "principal", "scopes", "confidential")} == {
        "name": "Sensor gateway", "principal": "device", "scopes": ["madang"], "confidential": True,
    }  # fmt: skip
    assert "secret" not in listed
    changed = (await door.patch(f"clients/{made['id']}", json={"name": "Gateway", "roles": ["analyst"]})).json()
    assert changed == listed | {"name": "Gateway", "roles": ["analyst"]}
    assert [
        await try_secret(fresh),
        (await door.patch(f"clients/{made['id']}", json={"scopes": ["all"]})).status_code,
    ] == [200, 400]
    assert (await door.delete(f"clients/{made['id']}")).status_code == 204
    assert (await door.get(f"clients/{made['id']}")).status_code == 404
    assert await try_secret(fresh) == 401


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("devices", {"id": "a b"}),
        ("devices", {"id": "a", "topics": ["city/+"]}),
        ("devices", {"id": "a", "topics": ["bin"]}),
        ("devices", {"id": "a", "topics": ["bin/7/command"]}),
        ("devices", {"id": "a", "secret": "mine"}),
        ("devices", {"id": "a", "permissions": [{"action": "manage", "subject": "Bin"}]}),
        ("devices", {"id": "a", "permissions": [{"action": "read", "subject": "\x00"}]}),
        ("devices", {"id": "a", "permissions": [{"action": "read", "subject": "a b"}]}),
        ("devices", {"id": "a", "permissions": [{"action": "read", "subject": "a", "attributes": ["b,c"]}]}),
        ("clients", {"name": ""}),
        ("clients", {"name": "\x00a", "grants": ["client_credentials"]}),
        ("clients", {"name": "x", "grants": ["password"]}),
        ("clients", {"name": "x", "redirect_uris": []}),
        ("clients", {"name": "x", "redirect_uris": ["http://client.example.org/"]}),
        ("clients", {"name": "x", "redirect_uris": [CALLBACK + "#part"]}),
        ("clients", {"name": "x", "redirect_uris": ["javascript:alert(1)"]}),
        ("clients", {"name": "x", "redirect_uris": [CALLBACK], "roles": ["administrator"]}),
        ("clients", {"name": "x", "redirect_uris": [CALLBACK], "scopes": ["everything"]}),
        ("clients", {"name": "x", "grants": ["client_credentials"], "confidential": False}),
        ("clients", {"name": "x", "grants": ["client_credentials"], "tenant": "a\nb"}),
    ],
)
async def test_what_cannot_be_registered(door: httpx.AsyncClient, path: str, body: dict[str, object]) -> None:
    assert (await door.post(path, json=body)).status_code == 400


async def test_a_client_of_a_tenant_acts_in_it_alone(door: httpx.AsyncClient, operated: City) -> None:
    asked = {
        "name": "Port", "grants": ["client_credentials"], "scopes": ["madang"], "tenant": "port",
        "permissions": [{"action": "write", "subject": "Crane"}, {"action": "read", "subject": "Crane"}],
    }  # fmt: skip
    made = (await door.post("clients", json=asked)).json()
    claims, endings = [], operated.identity.identities.endings
    await endings.look()
    async with httpx.AsyncClient(base_url=operated.url, trust_env=False) as http:
        form = {"grant_type": "client_credentials"}
        token = (await http.post("oauth/token", data=form, auth=(made["id"], made["secret"]))).json()["access_token"]
        claims.append(await operated.identity.identities.of_token(token))
        await door.patch(f"clients/{made['id']}", json={"tenant": ""})
        await endings.look()
        claims.append(await operated.identity.identities.of_token(token))
    seen = [[GATE.caller(claim).at(where).reads.blind for where in ("port", "", "other")] for claim in claims]
    assert seen == [[False, True, True], [True, False, True]]


async def test_new_keys_sign_and_old_ones_are_published_on(door: httpx.AsyncClient, operated: City) -> None:
    before = {key["kid"] for key in operated.identity.ring.public()["keys"]}
    after = {key["kid"] for key in (await door.post("signing-keys")).json()["keys"]}
    assert (before < after, len(after)) == (True, len(before) + 2)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "devices"), ("POST", "devices"), ("GET", "devices/a"), ("PATCH", "devices/a"), ("DELETE", "devices/a"),
        ("POST", "devices/a/secret"), ("GET", "clients"), ("POST", "clients"), ("GET", "clients/a"),
        ("DELETE", "clients/a"), ("POST", "clients/a/secret"), ("POST", "signing-keys"),
    ],
)  # fmt: skip
async def test_nobody_else_may(city: City, method: str, path: str) -> None:
    async with httpx.AsyncClient(base_url=f"{city.url}madang/v1/", trust_env=False) as reader:
        assert (await reader.request(method, path, json={})).status_code == 403


@pytest.mark.parametrize(
    "path", ["madang/v1/devices/%00", "madang/v1/clients/%00", "sign-in/with/%00", "administration/people/%00"]
)
async def test_a_path_with_what_no_text_can_hold_leads_nowhere(operated: City, path: str) -> None:
    async with httpx.AsyncClient(base_url=operated.url, trust_env=False) as http:
        assert (await http.get(path)).status_code == 404


@pytest.mark.parametrize(
    "header", ["Basic !!!", "Basic AAAA", "Basic", "Bearer a.b.c", "Bearer \u00e9", "Digest x", ""]
)
async def test_a_credential_that_cannot_be_read_is_none(operated: City, header: str) -> None:
    async with httpx.AsyncClient(base_url=operated.url, trust_env=False) as http:
        answer = await http.get("madang/v1/devices", headers={"authorization": header.encode("latin-1")})
    assert answer.status_code == 401
