"""`/store/publish`, `/store/publishers`, `/store/releases`: what a publisher does, and sees of its apps."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import msgspec

from madang.base.errors import BadRequest, Forbidden
from madang.people.http import Response
from madang.people.identity.doors import Table
from madang.people.identity.pages import go, page
from madang.people.identity.visit import Visit
from madang.people.store.doors import StoreDoor
from madang.people.store.shown import review_shown, score_shown
from madang.people.store.upload import read_upload
from madang.store.money.amounts import DIGITS, shown
from madang.store.money.ledger import balance
from madang.store.money.statements import statement_of
from madang.store.publishers import Publisher
from madang.store.releases import Release
from madang.store.usage import crashes

_FIELDS = ("id", "name", "website", "country")
_ACCOUNT = ("holder", "iban", "account", "bank")


class PublishingDoor(StoreDoor):
    """For whoever publishes; a release also for whoever reviews."""

    @property
    def table(self) -> Table:
        return {
            "store/publish": {"GET": self.page(self._publish), "POST": self.page(self._register)},
            "store/publishers/*": {"GET": self.page(self._publisher)},
            "store/publishers/*/challenge": {"POST": self.page(self._challenge)},
            "store/publishers/*/key": {"POST": self.page(self._key)},
            "store/publishers/*/revoke": {"POST": self.page(self._revoke)},
            "store/publishers/*/domain": {"POST": self.page(self._domain)},
            "store/publishers/*/submit": {"POST": self.page(self._submit)},
            "store/publishers/*/role": {"GET": self.page(self._role)},
            "store/publishers/*/statement": {"GET": self.page(self._statement)},
            "store/releases/*": {"GET": self.page(self._release)},
            "store/releases/*/sbom": {"GET": self.page(self._sbom)},
            "store/releases/*/appeal": {"POST": self.page(self._appeal)},
            "store/releases/*/sign": {"POST": self.page(self._sign)},
            "store/releases/*/withdraw": {"POST": self.page(self._withdraw)},
            "store/reviews/*/reply": {"POST": self.page(self._reply)},
        }

    async def _publish(self, visit: Visit) -> Response:
        person, _ = visit.who()
        own = await self.store.publishers.of(person.id)
        return page(visit, "store/publish", publishers=own, country=self.store.settings.country)

    async def _register(self, visit: Visit) -> Response:
        form, person = await self.browsers.form(visit), visit.who()[0]
        identifier, name, website, country = (form.get(one, "").strip() for one in _FIELDS)
        holder, iban, number, bank = (form.get(one, "").strip() for one in _ACCOUNT)
        account = {"name": holder, "iban": iban, "account": number, "bank": bank} if iban or number else {}
        act = self.store.publishers.register(person.id, identifier, name, website, country, account)
        await self.recorded(visit, "store.publisher", identifier, act)
        return go(visit, f"/store/publishers/{identifier}")

    async def _own(self, visit: Visit) -> Publisher:
        return await self.store.publishers.owned(visit.who()[0].id, visit.request.parts[2])

    async def _publisher(self, visit: Visit, **more: Any) -> Response:
        publisher = await self._own(visit)
        releases = await self.store.releases.of_publisher(publisher.id)
        apps = sorted({one.app for one in releases if one.state == "published"})
        reviews = [one for app in apps for one in await self.store.reviews.of_app(app)]
        account = f"publisher:{publisher.id}"
        owed = {currency: -await balance(self.store.pool, account, currency) for currency in DIGITS}
        payouts = await self.store.settlements.payouts_of(account, 24)
        given: dict[str, Any] = {"challenge": "", "public": ""} | more
        return page(
            visit,
            "store/publisher",
            publisher=publisher,
            keys=[b64encode(key).decode() for key in publisher.keys],
            domain_text=self.store.publishers.domain_text(publisher),
            releases=releases,
            progress=self.store.desk.progress,
            stars=await self.store.reviews.shown(apps),
            installs={app: await self.store.installs.count(app) for app in apps},
            crashes=await crashes(self.store.pool, apps),
            reviews=[review_shown(one, visit.language) for one in reviews],
            owed=[shown(amount, currency) for currency, amount in owed.items() if amount],
            payouts=[(one, shown(amount, one.currency)) for one, amount in payouts],
            **given,
        )

    async def _challenge(self, visit: Visit) -> Response:
        form, publisher = await self.browsers.form(visit), await self._own(visit)
        public = form.get("public", "").strip()
        return await self._publisher(
            visit, public=public, challenge=self.store.publishers.challenge(publisher.id, public)
        )

    async def _key(self, visit: Visit) -> Response:
        form, publisher = await self.browsers.form(visit), await self._own(visit)
        act = self.store.publishers.prove(publisher, form.get("public", ""), form.get("signature", ""))
        await self.recorded(visit, "store.key", f"{publisher.id} {form.get('public', '')}", act)
        return go(visit, f"/store/publishers/{publisher.id}")

    async def _revoke(self, visit: Visit) -> Response:
        form, publisher = await self.browsers.form(visit), await self._own(visit)
        act = self._without(publisher, form.get("public", ""))
        await self.recorded(visit, "store.key.revoke", f"{publisher.id} {form.get('public', '')}", act)
        return go(visit, f"/store/publishers/{publisher.id}")

    async def _without(self, publisher: Publisher, public: str) -> None:
        async with self.store.pool.acquire() as connection, connection.transaction():
            await self.store.publishers.revoke(connection, publisher, public)
            await self.store.repository.publish(connection)

    async def _domain(self, visit: Visit) -> Response:
        await self.browsers.form(visit)
        publisher = await self._own(visit)
        await self.recorded(visit, "store.domain", publisher.id, self.store.publishers.prove_domain(publisher))
        return go(visit, f"/store/publishers/{publisher.id}")

    async def _submit(self, visit: Visit) -> Response:
        person, _ = visit.who()
        upload = await read_upload(visit.request)
        self.browsers.check(visit, upload.fields.get("csrf", ""))
        if not upload.files.get("package") or not upload.files.get("role"):
            raise BadRequest("a package and its signed role", reason="upload_both")
        act = self.store.desk.submit(person.id, upload.files["package"], upload.files["role"])
        release = await self.recorded(visit, "store.submit", visit.request.parts[2], act)
        return go(visit, f"/store/releases/{release.id}")

    async def _role(self, visit: Visit) -> Response:
        """What the publisher signed last, to sign the next on top of."""
        publisher = await self._own(visit)
        async with self.store.pool.acquire() as connection:
            found = await self.store.repository.published_role(connection, publisher.id)
        if found is None:
            raise BadRequest("nothing is published yet", reason="role_none")
        return attached(found.body, f"{publisher.id}.json", b"application/json")

    async def _statement(self, visit: Visit) -> Response:
        publisher, month = await self._own(visit), visit.request.query.get("month", "")
        statements = await statement_of(self.store.pool, f"publisher:{publisher.id}", month, self.store.timezone)
        lines = [(one, [(line, shown(line.amount_minor, line.currency)) for line in one.lines]) for one in statements]
        return page(visit, "store/statement", publisher=publisher, month=month, statements=lines, shown=shown)

    async def _seen(self, visit: Visit) -> tuple[Release, bool, bool]:
        """The release, whether it is the visitor's, and whether they review. Raises Forbidden when neither."""
        person, _ = visit.who()
        release = await self.store.releases.get(visit.request.parts[2])
        owner = (await self.store.publishers.get(release.publisher)).owner == person.id
        reviews = self.browsers.gate.known_as(visit.claim()).may("manage", "store")
        if not owner and not reviews:
            raise Forbidden("this is not yours to see", reason="publisher_other")
        return release, owner, reviews

    async def _release(self, visit: Visit) -> Response:
        release, owner, reviews = await self._seen(visit)
        return page(
            visit,
            "store/release",
            release=release,
            owner=owner,
            reviews=reviews and not owner,
            progress=self.store.desk.progress.get(release.id),
            score=score_shown(release.score, self.store.key),
            installs=await self.store.installs.count(release.app),
        )

    async def _sbom(self, visit: Visit) -> Response:
        release, _, _ = await self._seen(visit)
        body = msgspec.json.format(msgspec.json.encode(release.sbom or {}))
        return attached(
            body, f"{release.app}-{release.version}.cdx.json", b"application/vnd.cyclonedx+json; version=1.6"
        )

    async def _appeal(self, visit: Visit) -> Response:
        form, identifier = await self.browsers.form(visit), visit.request.parts[2]
        act = self.store.desk.appeal(visit.who()[0].id, identifier, form.get("text", ""))
        await self.recorded(visit, "store.appeal", identifier, act)
        return go(visit, f"/store/releases/{identifier}")

    async def _sign(self, visit: Visit) -> Response:
        person, identifier = visit.who()[0], visit.request.parts[2]
        upload = await read_upload(visit.request)
        self.browsers.check(visit, upload.fields.get("csrf", ""))
        act = self.store.desk.sign_again(person.id, identifier, upload.files.get("role", b""))
        await self.recorded(visit, "store.sign", identifier, act)
        return go(visit, f"/store/releases/{identifier}")

    async def _withdraw(self, visit: Visit) -> Response:
        """By its publisher, or by the city's reviewers; what is dangerous stops at once where the city runs it."""
        form = await self.browsers.form(visit)
        release, _, _ = await self._seen(visit)
        person, _ = visit.who()
        act = self.store.desk.withdraw(f"person:{person.id}", release.id, form.get("reason", ""))
        await self.recorded(visit, "store.withdraw", f"{release.app} {release.version}", act)
        if form.get("dangerous"):
            stop = self.store.installs.stop(release.app, release.version)
            await self.recorded(visit, "store.stop", f"{release.app} {release.version}", stop)
        return go(visit, f"/store/releases/{release.id}")

    async def _reply(self, visit: Visit) -> Response:
        form, person = await self.browsers.form(visit), visit.who()[0]
        review = await self.store.reviews.get(visit.request.parts[2])
        found = await self.store.releases.of_app(review.app)
        publisher = await self.store.publishers.owned(person.id, found[0].publisher)
        await self.store.reviews.reply(review.id, form.get("text", ""))
        return go(visit, f"/store/publishers/{publisher.id}#reviews")


def attached(body: bytes, name: str, media: bytes) -> Response:
    """A file to keep."""
    headers = [
        (b"content-type", media),
        (b"content-disposition", f'attachment; filename="{name}"'.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
    ]
    return Response(200, body, headers)
