"""From handing in to publication: what publishers and reviewers do with a release."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog

from madang.base.clock import Clock
from madang.base.errors import BadRequest, Conflict, Forbidden, TooLarge
from madang.base.limits import STORE_CHECKS_AT_ONCE, STORE_PACKAGE_MAX_BYTES, STORE_ROLE_MAX_BYTES, STORE_TEXT_MAX_CHARS
from madang.runtime.manifest import Manifest
from madang.runtime.package import sha256, unpack
from madang.store.publishers import Publisher, Publishers, owns
from madang.store.registry.admission import check_role, check_signed, hashes_of
from madang.store.registry.keys import StoreKeys
from madang.store.registry.publishing import read_role, target_path
from madang.store.registry.repository import Repository
from madang.store.releases import Release, Releases
from madang.store.review.checks import Scorer, check_package
from madang.store.review.findings import is_bad
from madang.store.review.scores import sign_score
from madang.store.review.vulnerabilities import read_osv

log = structlog.get_logger()


class ReviewDesk:
    """`osv`: the city's list of known vulnerabilities, None without one. `progress` by release: what is looked at, and how far."""

    def __init__(
        self, releases: Releases, publishers: Publishers, repository: Repository, keys: StoreKeys, clock: Clock,
        osv: Path | None = None, scorer: Scorer | None = None,
    ) -> None:  # fmt: skip
        self.releases, self._publishers, self._repository = releases, publishers, repository
        self._keys, self._clock, self._osv, self.scorer = keys, clock, osv, scorer
        self.progress: dict[str, tuple[str, float]] = {}
        self._turns = asyncio.Semaphore(STORE_CHECKS_AT_ONCE)
        self._news = asyncio.Event()

    async def submit(self, owner: str, package: bytes, role: bytes) -> Release:
        """Raises BadRequest, TooLarge, Conflict, Forbidden; then nothing is kept of it."""
        if len(package) > STORE_PACKAGE_MAX_BYTES or len(role) > STORE_ROLE_MAX_BYTES:
            raise TooLarge(f"a package may have {STORE_PACKAGE_MAX_BYTES} bytes", reason="package_large")
        manifest = await asyncio.to_thread(_manifest_of, package)
        publisher = await self._publishers.owned(owner, manifest.publisher)
        if not owns(publisher.id, manifest.id):
            raise BadRequest(f"the apps of {publisher.id} are called {publisher.id}....", reason="app_other")
        path, digest = target_path(publisher.id, manifest.id, manifest.version), sha256(package)
        await self._check_role(publisher, role, path, digest, len(package))
        release = await self.releases.add(manifest, publisher.id, digest, package, role, owner)
        self._news.set()
        return release

    async def _check_role(self, publisher: Publisher, body: bytes, path: str, digest: str, length: int) -> None:
        role = check_signed(publisher.id, publisher.keys, body, self._clock.now())
        async with self.releases.pool.acquire() as connection:
            published = await self._repository.published_role(connection, publisher.id)
        check_role(role, published, path, digest, length, await self.releases.known(publisher.id))

    async def run(self) -> None:
        """For ever: checks what was handed in, also what a restart interrupted."""
        while True:
            self._news.clear()
            try:
                for release in reversed(await self.releases.in_states("submitted", "checking")):
                    await self.check(release)
            except Exception as error:
                log.error("a release could not be checked", error=repr(error))
            try:
                await asyncio.wait_for(self._news.wait(), 5.0)
            except TimeoutError:
                continue

    async def check(self, release: Release) -> None:
        """All automatic checks of one release."""
        async with self._turns:
            await self.releases.begin(release.id)
            known = await asyncio.to_thread(read_osv, self._osv) if self._osv and self._osv.is_file() else None
            body = await self.releases.body(release.sha256)

            def told(what: str, part: float) -> None:
                self.progress[release.id] = (what, part)

            try:
                checked = await check_package(body, known, self.scorer, self._clock.now(), told)
            finally:
                self.progress.pop(release.id, None)
            if checked.score is not None:
                checked = type(checked)(
                    checked.findings, checked.sbom, sign_score(checked.score, self._keys["targets"])
                )
            await self.releases.checked(release.id, checked, is_bad(checked.findings))

    async def approve(self, reviewer: str, identifier: str, reason: str) -> Release:
        """Published at once, or when its publisher has signed anew. Raises Forbidden for one's own, BadRequest without a reason,
        Conflict when somebody else was faster or a check found it bad and nobody appealed."""
        release = await self._reviewed(reviewer, identifier, reason)
        if is_bad(release.checks) and not release.appeal:
            raise Conflict("a check found it bad", reason="release_bad")
        async with self.releases.pool.acquire() as connection, connection.transaction():
            await self.releases.decide(connection, identifier, ("waiting",), "approved", reviewer, reason)
            await self._publish_if_it_fits(connection, release, reviewer, reason)
        return await self.releases.get(identifier)

    async def _publish_if_it_fits(self, connection: Any, release: Release, by: str, reason: str) -> bool:
        """Whether it is published now: the role it came with names all that is published, and nothing that is not."""
        role = read_role(release.role).signed
        published = await self._repository.published_role(connection, release.publisher)
        listed = await self.releases.of_publisher(release.publisher)
        needed = {one.path for one in listed if one.state == "published"} | {release.path}
        allowed = needed | {one.path for one in listed if one.state == "yanked"}
        named = hashes_of(role).keys()
        if not needed <= named <= allowed or (published is not None and role.version <= published.version):
            return False
        keys = (await self._publishers.get(release.publisher)).keys
        check_signed(release.publisher, keys, release.role, self._clock.now())
        await self.releases.decide(connection, release.id, ("approved",), "published", by, reason)
        await self._repository.publish(connection, (release.publisher, role.version, release.role))
        return True

    async def sign_again(self, owner: str, identifier: str, role: bytes) -> Release:
        """The publisher's newer role for what is approved. Raises BadRequest when that does not fit either."""
        release = await self.releases.get(identifier)
        publisher = await self._publishers.owned(owner, release.publisher)
        body = await self.releases.body(release.sha256)
        await self._check_role(publisher, role, release.path, release.sha256, len(body))
        await self.releases.sign_again(identifier, role)
        release = await self.releases.get(identifier)
        async with self.releases.pool.acquire() as connection, connection.transaction():
            done = await self._publish_if_it_fits(connection, release, release.decided_by, release.reason)
        if not done:
            raise BadRequest("this role names other packages than are published", reason="role_unfit")
        return await self.releases.get(identifier)

    async def reject(self, reviewer: str, identifier: str, reason: str) -> None:
        """Raises as `approve` does."""
        await self._reviewed(reviewer, identifier, reason)
        async with self.releases.pool.acquire() as connection:
            await self.releases.decide(connection, identifier, ("waiting", "approved"), "rejected", reviewer, reason)

    async def appeal(self, owner: str, identifier: str, text: str) -> None:
        """Raises BadRequest without words, Forbidden, Conflict."""
        release = await self.releases.get(identifier)
        await self._publishers.owned(owner, release.publisher)
        await self.releases.appeal(identifier, _words(text))

    async def withdraw(self, who: str, identifier: str, reason: str) -> Release:
        """Nobody finds it any more; who has it keeps it until the city says otherwise (installs.py). Raises BadRequest, Conflict."""
        reason = _words(reason)
        async with self.releases.pool.acquire() as connection, connection.transaction():
            await self.releases.decide(connection, identifier, ("published",), "yanked", who, reason)
            await self._repository.publish(connection)
        return await self.releases.get(identifier)

    async def _reviewed(self, reviewer: str, identifier: str, reason: str) -> Release:
        _words(reason)
        release = await self.releases.get(identifier)
        if release.submitted_by == reviewer or (await self._publishers.get(release.publisher)).owner == reviewer:
            raise Forbidden("nobody decides on their own app", reason="release_own")
        return release


def _words(text: str) -> str:
    if not 1 <= len(text.strip()) <= STORE_TEXT_MAX_CHARS:
        raise BadRequest(f"give a reason, of at most {STORE_TEXT_MAX_CHARS} characters", reason="words")
    return text.strip()


def _manifest_of(package: bytes) -> Manifest:
    with TemporaryDirectory(prefix="madang-store-") as name:
        manifest = unpack(package, Path(name) / "package")
    if not manifest.publisher:
        raise BadRequest("app.toml: a store needs publisher", reason="manifest_publisher")
    return manifest
