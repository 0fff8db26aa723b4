"""The administrator's pages: people are invited, changed and ended; devices and clients get their secrets; only by who may."""

from __future__ import annotations

import json
import re

import pytest
from tests.browsing import PASSWORD, Browser, City

from madang.people.identity.pages import HERE, texts
from madang.people.personal.shown import words_needed
from madang.trust.audit.log import decode_leaf
from madang.trust.audit.recorder import Recorder
from madang.trust.identity.permissions import Permission
from madang.trust.principal import Principal

pytestmark = pytest.mark.engine


async def opened(city: City, login: str, totp: bool = False) -> Browser:
    browser = city.browser()
    await browser.get("/sign-in")
    await browser.sign_in(login)
    if totp:
        await browser.submit("/sign-in/code", code=city.code(login))
    return browser


@pytest.fixture
async def admin(city: City) -> Browser:
    await city.person("mina", "administrator", totp=True)
    return await opened(city, "mina", totp=True)


def shown(browser: Browser, name: str) -> str:
    found = re.search(rf'id="{name}">([^<]+)<', browser.page.text)
    return found[1] if found else ""


async def test_somebody_is_invited_with_roles_and_changed_and_ended(
    admin: Browser, city: City, recorder: Recorder
) -> None:
    await admin.get("/administration")
    await admin.submit("/administration/people", **{"roles[]": "analyst"})
    link = shown(admin, "link")
    fresh = city.browser()
    await fresh.get(link.removeprefix(city.url.rstrip("/")))
    await fresh.submit("", login="jiho", name="Jiho", password=PASSWORD)
    jiho = await city.identity.people.by_login("jiho")
    assert jiho is not None
    assert jiho.roles == {"analyst"}
    await admin.get(f"/administration/people/{jiho.id}")
    await admin.submit(
        f"/administration/people/{jiho.id}", department="traffic", tenant="port", **{"roles[]": "auditor"}
    )
    changed = await city.identity.people.find(jiho.id)
    assert changed.principal(changed.roles) == Principal("person", jiho.id, frozenset({"auditor"}), "port", "traffic")
    await admin.submit(f"/administration/people/{jiho.id}/sign-out")
    assert await city.identity.sessions.of(jiho.id) == []
    await admin.submit(f"/administration/people/{jiho.id}/invite")
    assert shown(admin, "link").startswith(f"{city.identity.issuer}/join/")
    await admin.get(f"/administration/people/{jiho.id}")
    await admin.submit(f"/administration/people/{jiho.id}/end")
    assert await city.identity.people.by_login("jiho") is None
    await recorder.settle()
    leaves = [decode_leaf(one["leaf"]) for one in await recorder.log.page(50, None, None, None, None)]
    told = {(leaf["what"], leaf["outcome"]) for leaf in leaves if leaf["what"].startswith("person.")}
    acts = ("add", "change", "sign-out", "invite", "end")
    assert told == {(f"person.{act}", outcome) for act in acts for outcome in ("accepted", "done")}


async def test_devices_and_clients_are_given_secrets_and_revoked(admin: Browser, city: City) -> None:
    await admin.get("/administration/devices")
    await admin.submit("/administration/devices", id="bin-7", topics="bin/7 bin/8")
    first = shown(admin, "secret")
    await admin.get("/administration/devices")
    await admin.submit("/administration/devices/bin-7/secret")
    second = shown(admin, "secret")
    known = [await city.identity.devices.authenticate("bin-7", secret) for secret in (first, second)]
    assert [one is not None for one in known] == [True, True]
    await admin.get("/administration/devices")
    await admin.submit("/administration/devices/bin-7/end")
    assert await city.identity.devices.page(10) == []
    await admin.get("/administration/clients")
    fields = {"grants[]": "client_credentials", "scopes[]": "madang", "confidential": "on"}
    await admin.submit("/administration/clients", name="Gateway", principal="device", **fields)
    client_id, secret = shown(admin, "id"), shown(admin, "secret")
    client = await city.identity.clients.authenticate(client_id, secret)
    assert (client.name, client.principal) == ("Gateway", "device")
    await admin.get("/administration/clients")
    await admin.submit(f"/administration/clients/{client_id}/end")
    assert await city.identity.clients.every() == []


async def test_a_device_is_granted_what_its_page_says(admin: Browser, city: City, recorder: Recorder) -> None:
    wide, narrow = Permission("read", "Building"), Permission("read", "Building", ("height", "name"))
    await admin.get("/administration/devices")
    await admin.submit("/administration/devices", id="bin-7", permissions="read Building\r\nwrite Bin level")
    added = await city.identity.devices.find("bin-7")
    await admin.get("/administration/devices/bin-7")
    filled = ">read Building\nwrite Bin level</textarea>" in admin.page.text
    await admin.submit("/administration/devices/bin-7", topics="bin/7", permissions="read Building height, name")
    changed = await city.identity.devices.find("bin-7")
    assert (filled, added.permissions) == (True, (wide, Permission("write", "Bin", ("level",))))
    assert (changed.topics, changed.permissions) == (("bin/7",), (narrow,))
    assert ("bin/7 · read Building height,name" in admin.page.text, changed.created_at) == (True, added.created_at)
    await recorder.settle()
    leaves = [decode_leaf(one["leaf"]) for one in await recorder.log.page(20, None, None, None, "device:bin-7")]
    assert {leaf["what"] for leaf in leaves} == {"device.add", "device.change"}


async def test_a_client_is_granted_roles_and_permissions(admin: Browser, city: City) -> None:
    await admin.get("/administration/clients")
    fields = {"grants[]": "client_credentials", "roles[]": "analyst", "confidential": "on"}
    await admin.submit("/administration/clients", name="Gateway", permissions="command signal.stage", **fields)
    (client,) = await city.identity.clients.every()
    assert (client.roles, client.permissions) == ({"analyst"}, (Permission("command", "signal.stage"),))
    await admin.get("/administration/clients")
    assert "analyst · command signal.stage" in admin.page.text


async def test_a_client_is_changed_and_its_old_token_may_no_more_than_it_does_now(
    admin: Browser, city: City, recorder: Recorder
) -> None:
    fields = {"grants[]": "client_credentials", "scopes[]": "madang", "confidential": "on", "principal": "device"}
    await admin.get("/administration/clients")
    await admin.submit("/administration/clients", name="Gateway", permissions="read Bin", **fields)
    client_id, secret = shown(admin, "id"), shown(admin, "secret")
    await admin.get(f"/administration/clients/{client_id}")
    filled = [one in admin.page.text for one in (">read Bin</textarea>", 'value="madang" checked', 'value="Gateway"')]
    changed = {"grants[]": "client_credentials", "scopes[]": "introspect"}
    await admin.submit(f"/administration/clients/{client_id}", name="Way", permissions="read Bin level", **changed)
    client = await city.identity.clients.authenticate(client_id, secret)
    assert (filled, client.name, client.principal, client.scopes, client.permissions) == (
        [True] * 3, "Way", "device", {"introspect"}, (Permission("read", "Bin", ("level",)),)
    )  # fmt: skip
    await recorder.settle()
    leaves = [decode_leaf(one["leaf"]) for one in await recorder.log.page(20, None, None, None, f"app:{client_id}")]
    assert {leaf["what"] for leaf in leaves} == {"client.change"}


async def test_a_client_that_is_not_there_is_not_found(admin: Browser) -> None:
    page = await admin.get("/administration/clients/nobody")
    assert page.status_code == 404


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "This is no permission: manage &lt;b&gt;."), ("ko", "권한으로 읽을 수 없는 줄입니다: manage &lt;b&gt;.")],
)
async def test_a_line_that_is_no_permission_is_told_and_nothing_is_granted(
    admin: Browser, city: City, language: str, told: str
) -> None:
    await admin.get(f"/administration/devices?lang={language}")
    page = await admin.submit("/administration/devices", id="bin-7", permissions="read Bin\nmanage <b>")
    assert (page.status_code, told in page.text, await city.identity.devices.page(10)) == (400, True, [])


@pytest.mark.parametrize("path", ["", "/clients", "/providers", "/people/x"])
async def test_nobody_else_sees_them(city: City, path: str) -> None:
    await city.person("mina", "administrator")  # one factor only
    await city.person("jiho", "operator", totp=True)
    weak, other, nobody = await opened(city, "mina"), await opened(city, "jiho", totp=True), city.browser()
    statuses = [(await one.get(f"/administration{path}")).status_code for one in (weak, other)]
    assert statuses == [403, 403]
    assert "/sign-in" in str((await nobody.get(f"/administration{path}")).url)


async def test_an_operator_manages_devices(city: City) -> None:
    await city.person("jiho", "operator", totp=True)
    browser = await opened(city, "jiho", totp=True)
    assert (await browser.get("/administration/devices")).status_code == 200
    await browser.submit("/administration/devices", id="bin-7")
    assert shown(browser, "id") == "bin-7"


async def test_wrong_words_are_told_as_a_page(admin: Browser) -> None:
    await admin.get("/administration/devices")
    page = await admin.submit("/administration/devices", id="a b")
    assert (page.status_code, "<h1>This did not work</h1>" in page.text) == (400, True)


def test_both_languages_have_the_same_words() -> None:
    english, korean = texts("en"), texts("ko")
    holes = re.compile(r"\{\w+\}")
    assert {key: sorted(holes.findall(text)) for key, text in english.items()} == {
        key: sorted(holes.findall(text)) for key, text in korean.items()
    }


def test_every_word_is_used_and_there() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in sorted((HERE / "templates").glob("*.html")))
    rooms = (HERE, HERE.parents[1] / "trust" / "identity", HERE.parents[1] / "context")
    sources = "".join(path.read_text(encoding="utf-8") for room in rooms for path in sorted(room.glob("*.py")))
    used = set(re.findall(r"t\('([a-z_.]+)'", pages)) | {f"audit.{name}" for name in ("seq", "at", "why")}
    families = ("role.", "scope.", "error.", "kind.", "member.", "why.", "day.", "action.", "decision.", "effect.")
    known = json.loads((HERE / "strings" / "en.json").read_text(encoding="utf-8")).keys()
    plain = {key for key in known if not key.startswith(families)}
    assert {key for key in used if not key.endswith(".")} - known == set()
    assert plain - used - {"people", "devices", "clients", "space.erased", "providers"} == set()
    assert words_needed() - known == set()
    reasons = {
        key.removeprefix("error.") for key in known if key.startswith("error.") and not key.startswith("error.status.")
    }
    assert {reason for reason in reasons if f'"{reason}"' not in sources} == set()
    assert set(re.findall(r'reason="(\w+)"', sources)) <= reasons
