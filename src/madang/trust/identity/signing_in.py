"""Signing in: what was shown, whether it is heard, what goes on record. The pages are `people/identity/`."""

from __future__ import annotations

from dataclasses import dataclass

from madang.base.clock import Clock
from madang.base.errors import Unauthorized
from madang.engine.sealing import Seal
from madang.trust.audit.recorder import Recorder
from madang.trust.identity.attempts import Attempts
from madang.trust.identity.ceremonies import Ceremonies
from madang.trust.identity.passkeys import METHODS, Passkeys
from madang.trust.identity.passwords import is_password
from madang.trust.identity.people import People
from madang.trust.identity.person import Person
from madang.trust.identity.sessions import Sessions
from madang.trust.identity.totp import match_totp


@dataclass(frozen=True)
class Shown:
    """Who, and by which methods (RFC 8176)."""

    person: str
    methods: tuple[str, ...]


@dataclass(frozen=True)
class Visitor:
    """The browser as it tells of itself, and its address."""

    agent: str
    address: str


class SigningIn:
    """Of one city. Every outcome goes on record."""

    def __init__(
        self, people: People, passkeys: Passkeys, sessions: Sessions, ceremonies: Ceremonies, attempts: Attempts,
        seal: Seal, recorder: Recorder, clock: Clock,
    ) -> None:  # fmt: skip
        self._people, self._passkeys, self._sessions, self._ceremonies = people, passkeys, sessions, ceremonies
        self._attempts, self._seal, self._recorder, self._clock = attempts, seal, recorder, clock

    async def by_password(self, login: str, password: str, visitor: Visitor) -> Shown | str:
        """Who it is; or, when the account has a second factor, the ceremony that asks for it. Raises Unauthorized, and TooMany
        while nothing is heard: the same for an account that is not there, so that nobody learns which are."""
        login = login.strip().lower()
        await self._attempts.count(login)
        person = await self._people.by_login(login)
        if not await is_password(person.password if person else None, password) or person is None:
            raise self._refused(person, "password", visitor)
        if person.totp is None:
            return await self._done(Shown(person.id, ("pwd",)), visitor)
        await self._attempts.succeeded(login)  # the code is counted by itself
        return await self._ceremonies.begin("second-factor", {"person": person.id})

    async def by_code(self, ceremony: str, code: str, visitor: Visitor) -> Shown:
        """A code of the authenticator app, or a recovery code, after the password. Raises Unauthorized, TooMany, BadRequest."""
        about = await self._ceremonies.look("second-factor", ceremony)
        person = await self._people.find(about["person"])
        await self._attempts.count(f"{person.id}/code")
        method = await self._second_factor(person, code)
        if method is None:
            raise self._refused(person, "code", visitor)
        await self._ceremonies.take("second-factor", ceremony)
        return await self._done(Shown(person.id, ("pwd", method, "mfa")), visitor)

    async def by_passkey(self, ceremony: str, credential: dict[str, object], visitor: Visitor) -> Shown:
        """Raises BadRequest."""
        person_id = await self._passkeys.sign_in(ceremony, credential)
        return await self._done(Shown(person_id, METHODS), visitor)

    async def by_provider(self, person_id: str, provider: str, visitor: Visitor) -> Shown:
        """Whom another provider vouches for: one factor of ours, whatever they did there."""
        return await self._done(Shown(person_id, ("fed",)), visitor, provider)

    async def open(self, shown: Shown, visitor: Visitor) -> str:
        """The secret of the session's cookie."""
        return await self._sessions.begin(shown.person, shown.methods, visitor.agent, visitor.address)

    async def _second_factor(self, person: Person, code: str) -> str | None:
        if person.totp is not None:
            secret = self._seal.open_bytes(person.totp, f"totp:{person.id}")
            step = match_totp(secret, code, self._clock.now().timestamp(), person.totp_step)
            if step is not None and await self._people.take_step(person.id, step):
                return "otp"
        return "kba" if await self._people.take_recovery_code(person.id, code) else None

    def _refused(self, person: Person | None, factor: str, visitor: Visitor) -> Unauthorized:
        whom = f"person:{person.id}" if person else "person:"
        self._recorder.after(whom, "sign-in", whom, "", "refused", factor=factor, address=visitor.address)
        return Unauthorized("that is not right", reason="wrong")

    async def _done(self, shown: Shown, visitor: Visitor, provider: str = "") -> Shown:
        person = await self._people.find(shown.person)
        for counted in (person.login or "", f"{person.id}/code"):
            await self._attempts.succeeded(counted)
        whom = f"person:{shown.person}"
        details = {"methods": " ".join(shown.methods), "address": visitor.address}
        self._recorder.after(
            whom, "sign-in", whom, "", "done", **details | ({"provider": provider} if provider else {})
        )
        return shown
