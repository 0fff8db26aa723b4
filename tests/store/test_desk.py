"""From handing in to publication: what is checked, who decides, and what nobody gets past."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from madang.base.errors import BadRequest, Conflict, Forbidden, MadangError, NotFound, Unavailable
from madang.store.registry.keys import signer_of
from madang.store.registry.publishing import signed_role, target_path
from madang.store.review.findings import Finding
from madang.store.review.scores import is_score_signed, sign_score
from tests.store.making import (
    PUBLISHER,
    START,
    Yard,
    app_folder,
    keys,
    package,
    person,
    public_of,
    seed_of,
    signature,
    yard,
)
from tests.waiting import until

pytestmark = pytest.mark.engine
PASSING = "def test_it() -> None:\n    assert 1 + 1 == 2\n"
SCORED = '[score]\nkind = "traffic"\n'


@pytest.fixture
async def store(pool: asyncpg.Pool) -> Yard:
    store = yard(pool)
    await store.repository.found()
    await store.publisher(await person(pool, "mina"))
    return store


async def test_a_key_counts_when_its_owner_has_shown_to_have_it(store: Yard, pool: asyncpg.Pool) -> None:
    found = await store.publishers.register(await person(pool, "juno"), "net.juno", "Juno", "", "KR", {})
    text = store.publishers.challenge("net.juno", public_of("juno"))
    with pytest.raises(BadRequest, match="not that of this key"):
        await store.publishers.prove(found, public_of("juno"), signature("thief", text))
    with pytest.raises(BadRequest, match="not that of this key"):
        other = store.publishers.challenge(PUBLISHER, public_of("juno"))
        await store.publishers.prove(found, public_of("juno"), signature("juno", other))
    await store.publishers.prove(found, public_of("juno"), signature("juno", text))
    assert len((await store.publishers.get("net.juno")).keys) == 1
    with pytest.raises(Conflict, match="used before"):
        await store.publishers.prove(found, public_of("juno"), signature("juno", text))


async def test_a_challenge_is_good_for_two_days(store: Yard, pool: asyncpg.Pool) -> None:
    found = await store.publishers.register(await person(pool, "juno"), "net.juno", "Juno", "", "KR", {})
    text = store.publishers.challenge("net.juno", public_of("juno"))
    clock: Any = store.clock
    clock.set(START + timedelta(days=2))
    with pytest.raises(BadRequest):
        await store.publishers.prove(found, public_of("juno"), signature("juno", text))


@pytest.mark.parametrize("name", ["org.example", "org.example.sub", "org"])
async def test_nobody_takes_a_name_of_somebody_else(store: Yard, pool: asyncpg.Pool, name: str) -> None:
    with pytest.raises(MadangError):
        await store.publishers.register(await person(pool, "thief"), name, "Thief", "", "KR", {})


async def test_a_domain_is_proved_by_what_stands_there(pool: asyncpg.Pool) -> None:
    there: dict[str, list[str]] = {}

    async def texts(domain: str) -> list[str]:
        return there.get(domain, [])

    store = yard(pool)
    store.publishers._texts_of = texts
    mina = await store.publisher(await person(pool, "mina"))
    with pytest.raises(BadRequest, match=r"example\.org"):
        await store.publishers.prove_domain(mina)
    there["example.org"] = [store.publishers.domain_text(mina)]
    await store.publishers.prove_domain(mina)
    assert (await store.publishers.get(PUBLISHER)).domain_proved_at == START


async def test_what_is_approved_is_published(store: Yard, tmp_path: Path) -> None:
    body = package(tmp_path, tests___test_it__py=PASSING, requirements__lock=f"six==1.17.0 --hash=sha256:{'a' * 64}\n")
    release = await store.submitted("mina", body)
    await store.desk.check(release)
    waiting = await store.releases.get(release.id)
    assert [(one.check, one.outcome, one.code) for one in waiting.checks] == [
        ("manifest", "good", "manifest_good"), ("licence", "good", "licence_known"), ("sbom", "good", "sbom_made"),
        ("vulnerabilities", "absent", "vulnerabilities_no_list"), ("tests", "good", "tests_passed"),
        ("score", "absent", "score_no_testbed"),
    ]  # fmt: skip
    assert (waiting.state, waiting.sbom["components"][0]["purl"]) == ("waiting", "pkg:pypi/six@1.17.0")
    done = await store.desk.approve("reviewer", release.id, "fine")
    assert (done.state, done.decided_by, done.reason) == ("published", "reviewer", "fine")


async def test_nobody_decides_on_their_own_app(store: Yard, tmp_path: Path) -> None:
    release = await store.submitted("mina", package(tmp_path))
    await store.desk.check(release)
    with pytest.raises(Forbidden):
        await store.desk.approve("mina", release.id, "I like it")


async def test_a_decision_has_a_reason_and_is_taken_once(store: Yard, tmp_path: Path) -> None:
    release = await store.submitted("mina", package(tmp_path))
    await store.desk.check(release)
    with pytest.raises(BadRequest):
        await store.desk.approve("reviewer", release.id, "  ")
    decided = await asyncio.gather(
        *(store.desk.approve("reviewer", release.id, "fine") for _ in range(3)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in decided) == ["Conflict", "Conflict", "Release"]


async def test_what_is_not_checked_is_not_decided(store: Yard, tmp_path: Path) -> None:
    release = await store.submitted("mina", package(tmp_path))
    with pytest.raises(Conflict):
        await store.desk.approve("reviewer", release.id, "no need to look")


async def test_what_a_check_finds_bad_is_back_until_its_publisher_appeals(store: Yard, tmp_path: Path) -> None:
    release = await store.submitted(
        "mina", package(tmp_path, tests___test_it__py="def test_it() -> None:\n    assert 1 == 2\n")
    )
    await store.desk.check(release)
    back = await store.releases.get(release.id)
    assert (back.state, back.decided_by, back.reason) == ("rejected", "checks", "tests_failed")
    assert "assert 1 == 2" in next(one for one in back.checks if one.check == "tests").parameters["output"]
    with pytest.raises(Forbidden):
        await store.desk.appeal("thief", release.id, "let it in")
    await store.desk.appeal("mina", release.id, "the test is wrong, the app is not")
    assert (await store.desk.approve("reviewer", release.id, "true")).state == "published"


async def test_after_a_refusal_the_same_version_can_be_handed_in_again(store: Yard, tmp_path: Path) -> None:
    first = await store.submitted("mina", package(tmp_path))
    await store.desk.check(first)
    await store.desk.reject("reviewer", first.id, "no privacy to speak of")
    again = await store.submitted("mina", package(tmp_path, app__py="LIMIT = 36\n"))
    assert again.state == "submitted"
    with pytest.raises(Conflict):
        await store.desk.appeal("mina", first.id, "but")


async def test_the_tests_of_a_package_are_shut_in(store: Yard, tmp_path: Path) -> None:
    """They read no secrets of the city, and talk to nobody."""
    secret = tmp_path / "secret"
    secret.write_text("42")
    secret.chmod(0o600)
    hostile = (
        "import pathlib, pytest, socket\n"
        f"def test_it() -> None:\n    with pytest.raises(OSError):\n        pathlib.Path({str(secret)!r}).read_text()\n"
        "    with pytest.raises(OSError):\n        socket.create_connection(('127.0.0.1', 80), 1)\n"
        "    with pytest.raises(OSError):\n        pathlib.Path(__file__).write_text('')\n"
    )
    release = await store.submitted("mina", package(tmp_path, tests___test_it__py=hostile))
    await store.desk.check(release)
    found = next(one for one in (await store.releases.get(release.id)).checks if one.check == "tests")
    assert (found.outcome, found.parameters.get("output", "")) == ("good", "")


async def test_a_score_is_kept_signed(pool: asyncpg.Pool, tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    score = {
        "app": "org.example.dust",
        "seeds": [1, 2],
        "for_people": [{"measure": "delay", "unit": "s", "with": 31.25, "without": 40.0}],
    }

    async def scorer(folder: Path, manifest: Any, progress: Any) -> dict[str, Any]:
        progress(0.5)
        told.extend(store.desk.progress.values())
        return score | {"folder": (folder / "app.py").is_file()}

    store = yard(pool, scorer=scorer)
    await store.repository.found()
    await store.publisher(await person(pool, "mina"))
    release = await store.submitted("mina", package(tmp_path, more=SCORED))
    await store.desk.check(release)
    kept = (await store.releases.get(release.id)).score or {}
    key = bytes.fromhex(keys()["targets"].public_key.keyval["public"])
    assert ({name: kept[name] for name in score}, kept["folder"], told) == (
        score,
        True,
        [("score", pytest.approx(0.65))],
    )
    assert is_score_signed(kept, key)
    assert not is_score_signed(kept | {"seeds": [1]}, key)
    assert not is_score_signed(sign_score(score, signer_of(seed_of("thief"))), key)


async def test_a_testbed_that_breaks_leaves_the_decision_to_a_person(pool: asyncpg.Pool, tmp_path: Path) -> None:
    async def scorer(folder: Path, manifest: Any, progress: Any) -> dict[str, Any]:
        raise Unavailable("no simulator here")

    store = yard(pool, scorer=scorer)
    await store.repository.found()
    await store.publisher(await person(pool, "mina"))
    release = await store.submitted("mina", package(tmp_path, more=SCORED))
    await store.desk.check(release)
    waiting = await store.releases.get(release.id)
    assert (waiting.state, waiting.checks[-1]) == (
        "waiting", Finding("score", "warning", "score_failed", {"detail": "no simulator here"})
    )  # fmt: skip


async def test_a_check_that_was_cut_off_is_made_again(store: Yard, tmp_path: Path) -> None:
    release = await store.submitted("mina", package(tmp_path))
    await store.releases.begin(release.id)
    running = asyncio.create_task(store.desk.run())

    async def waits() -> bool:
        return (await store.releases.get(release.id)).state == "waiting"

    await until(waits, "the check was made again")
    running.cancel()


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ({"publisher": "net.other", "app": "net.other.dust"}, NotFound),
        ({"app": "net.other.dust"}, BadRequest),
        ({"publisher": ""}, BadRequest),
    ],
)
async def test_what_is_not_its_publishers_is_refused(
    store: Yard, tmp_path: Path, named: dict[str, str], why: type[Exception]
) -> None:
    body = package(tmp_path, **named)
    with pytest.raises(why):
        await store.submitted("mina", body)


async def test_what_somebody_else_hands_in_is_refused(store: Yard, pool: asyncpg.Pool, tmp_path: Path) -> None:
    with pytest.raises(Forbidden):
        await store.submitted(await person(pool, "juno"), package(tmp_path))


async def test_a_role_that_does_not_fit_the_package_is_refused(store: Yard, tmp_path: Path) -> None:
    body, other = package(tmp_path), package(tmp_path / "other", more='website = "https://example.org"')
    path = target_path(PUBLISHER, f"{PUBLISHER}.dust", "1.0.0")
    mina = signer_of(seed_of("mina"))
    strange = signed_role(store.role(body), target_path(PUBLISHER, f"{PUBLISHER}.ghost", "9"), other, mina, START)
    for role in (
        store.role(other),
        store.role(body, key="thief"),
        strange,
        signed_role(None, path, body, mina, START - timedelta(days=366)),
        b"{}",
    ):
        with pytest.raises(BadRequest):
            await store.desk.submit("mina", body, role)
    assert await store.releases.of_publisher(PUBLISHER) == []


async def test_two_that_wait_are_published_one_after_the_other(store: Yard, tmp_path: Path) -> None:
    first_body, second_body = package(tmp_path), package(tmp_path, "1.1.0")
    first = await store.submitted("mina", first_body)
    second = await store.submitted("mina", second_body, first.role, version="1.1.0")
    for release in (first, second):
        await store.desk.check(release)
    early = await store.desk.approve("reviewer", second.id, "fine")
    assert early.state == "approved"  # its role names the first, which nobody has decided on
    assert (await store.desk.approve("reviewer", first.id, "fine")).state == "published"
    assert (await store.desk.sign_again("mina", second.id, second.role)).state == "published"


async def test_who_signed_before_somebody_else_was_published_signs_again(store: Yard, tmp_path: Path) -> None:
    bodies = {version: package(tmp_path, version) for version in ("1.0.0", "1.1.0")}
    both = [await store.submitted("mina", body, version=version) for version, body in bodies.items()]
    for release in both:
        await store.desk.check(release)
    states = [(await store.desk.approve("reviewer", release.id, "fine")).state for release in both]
    assert states == ["published", "approved"]
    with pytest.raises(BadRequest):
        await store.desk.sign_again("mina", both[1].id, both[1].role)
    role = store.role(bodies["1.1.0"], both[0].role, version="1.1.0")
    assert (await store.desk.sign_again("mina", both[1].id, role)).state == "published"


async def test_known_vulnerabilities_keep_an_app_out(pool: asyncpg.Pool, tmp_path: Path) -> None:
    osv = tmp_path / "osv.json"
    events = [{"introduced": "0"}, {"fixed": "1.18"}]
    known = {
        "id": "OSV-1",
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "Six"},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
            }
        ],
    }
    osv.write_bytes(msgspec.json.encode([known]))
    store = yard(pool, osv=osv)
    await store.repository.found()
    await store.publisher(await person(pool, "mina"))
    release = await store.submitted(
        "mina", package(tmp_path, requirements__lock=f"six==1.17.0 --hash=sha256:{'a' * 64}\n")
    )
    await store.desk.check(release)
    found = await store.releases.get(release.id)
    assert (found.state, found.reason) == ("rejected", "vulnerabilities_found")


async def test_a_package_that_surprises_is_no_package(store: Yard, tmp_path: Path) -> None:
    folder = app_folder(tmp_path / "app")
    with pytest.raises(BadRequest):
        await store.desk.submit("mina", (folder / "app.py").read_bytes(), b"{}")
