"""A city's personal spaces as doors use them: every act of a person and of an app on record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import asyncpg

from madang.base.clock import Clock, SystemClock
from madang.base.errors import NotFound
from madang.engine.database import LOST, explain
from madang.trust.audit.recorder import Recorder
from madang.trust.consent.agreement import Ask, Consent, within
from madang.trust.consent.consents import Consents
from madang.trust.consent.erasures import Erasure, Erasures
from madang.trust.consent.export import Rows, consent_out, erasure_out, item_out, seen_out
from madang.trust.consent.looking import Look, Looking
from madang.trust.consent.pseudonyms import Pseudonyms, open_pseudonyms
from madang.trust.consent.space import Space

TIDY_EACH = timedelta(minutes=10)
EXPORT_SEEN_MAX = 1_000_000


class Asking(Protocol):
    """Which apps are installed, and what each asks people for."""

    async def of(self, app_id: str) -> list[Ask]:
        """Raises NotFound for an app that is not installed."""

    async def installed(self) -> set[str]: ...


class PersonalHouse:
    """Everything of personal spaces that is on record."""

    def __init__(
        self, pool: asyncpg.Pool, pseudonyms: Pseudonyms, clock: Clock, recorder: Recorder, asking: Asking
    ) -> None:
        self.space, self.consents = Space(pool, clock), Consents(pool, pseudonyms, clock)
        self.looking, self.erasures = Looking(pool, clock), Erasures(pool, clock)
        self._recorder, self._asking, self._clock = recorder, asking, clock
        self._tidied = datetime.min.replace(tzinfo=UTC)

    async def grant(
        self, person: str, app: str, kind: str, purpose: str, members: Any = None, retention_days: int | None = None
    ) -> Consent:
        """To what an app asks, or to less of it. Raises NotFound when it does not ask for that, BadRequest, Conflict."""
        ask = within(await self._asked(app, kind, purpose), members, retention_days)
        await self._told(person, "consent.grant", app, ask)
        return await self.consents.grant(person, app, ask)

    async def narrow(self, person: str, consent_id: str, members: Any, retention_days: int | None) -> Consent:
        """Raises NotFound, Conflict, BadRequest."""
        consent = await self.consents.get(person, consent_id)
        await self._told(person, "consent.narrow", consent.app, within(consent.ask, members, retention_days))
        return await self.consents.narrow(person, consent_id, members, retention_days)

    async def withdraw(self, person: str, consent_id: str) -> Consent:
        """What ends an app's right never waits for the record. Raises NotFound."""
        consent = await self.consents.withdraw(person, consent_id)
        self._recorder.after(f"person:{person}", "consent.withdraw", f"app:{consent.app}", consent.ask.purpose)
        return consent

    async def forget(self, person: str) -> int:
        """Deletes it all; the number of erasures that apps are asked for."""
        await self._recorder.before(f"person:{person}", "personal.forget", f"person:{person}")
        return await self.consents.forget(person)

    async def look(
        self, app: str, purpose: str, kind: str, pseudonym: str | None = None, after: str = "", limit: int = 100
    ) -> list[Look]:
        """Raises NotFound for one pseudonym that is not this app's to see, BadRequest."""
        found = await self.looking.look(app, purpose, kind, pseudonym, after, limit)
        if pseudonym is not None and not found:
            raise NotFound("nobody of that name")
        if found:
            self._recorder.after(f"app:{app}", "personal.read", kind, purpose, people=str(len(found)))
        return found

    async def receipt(self, app: str, erasure_id: str, told: Any) -> Erasure:
        """Raises BadRequest, NotFound."""
        erasure = await self.erasures.receipt(app, erasure_id, told)
        self._recorder.after(f"app:{app}", "personal.erased", erasure.pseudonym, erasure.purpose, id=erasure.id)
        return erasure

    async def export(self, person: str) -> dict[str, Rows]:
        """To take away, on record. Raises Unavailable."""
        await self._recorder.before(f"person:{person}", "personal.export", f"person:{person}")
        return await self.tables(person)

    async def tables(self, person: str) -> dict[str, Rows]:
        """Everything that is kept of a person here, by table."""
        seen = await self.looking.seen(person, None, EXPORT_SEEN_MAX)
        return {
            "items": [item_out(one) for one in await self.space.items(person)],
            "consents": [consent_out(one) for one in await self.consents.of_person(person)],
            "reads": [seen_out(one) for _, one in seen],
            "erasures": [erasure_out(one) for one in await self.erasures.of_person(person)],
        }

    async def leaving(self, app: str) -> None:
        """Before an app is removed: nobody's consent is left for whoever comes under its id later."""
        ended = await self.consents.end_of_app(app)
        self._recorder.after("madang", "consent.end", f"app:{app}", "the app is removed", consents=str(ended))

    async def left(self, app: str) -> None:
        """An app was removed, and its data with it."""
        await self.erasures.gone([app])

    async def tidy(self) -> None:
        """Now and then: forgets whose account has ended, asks apps for what they kept as long as they may, and lets rest what
        removed apps cannot erase any more. Raises Unavailable."""
        if self._clock.now() - self._tidied < TIDY_EACH:
            return
        self._tidied = self._clock.now()
        try:
            for person in await self.consents.left_behind():
                await self.forget(person)
            await self.erasures.gone(await self.erasures.apps() - await self._asking.installed())
            asked = await self.erasures.sweep()
        except LOST as error:
            raise explain(error) from None
        if asked:
            self._recorder.after("madang", "personal.retention", "apps", erasures=str(asked))

    async def _asked(self, app: str, kind: str, purpose: str) -> Ask:
        for ask in await self._asking.of(app):
            if (ask.kind, ask.purpose) == (kind, purpose):
                return ask
        raise NotFound(f"{app} does not ask for {kind} for {purpose}")

    async def _told(self, person: str, what: str, app: str, ask: Ask) -> None:
        members = ",".join(sorted(ask.members)) if ask.members is not None else "*"
        await self._recorder.before(
            f"person:{person}",
            what,
            f"app:{app}",
            ask.purpose,
            kind=ask.kind,
            members=members,
            days=str(ask.retention_days),
        )


def open_house(pool: asyncpg.Pool, run_dir: Path, recorder: Recorder, asking: Asking) -> PersonalHouse:
    """That of one instance."""
    return PersonalHouse(pool, open_pseudonyms(run_dir), SystemClock(), recorder, asking)
