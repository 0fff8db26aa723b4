"""Passkeys (W3C Web Authentication Level 2): registered and shown to this origin only, always with user verification."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import msgspec
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from madang.base.clock import Clock
from madang.base.errors import BadRequest
from madang.base.limits import PASSKEYS_MAX
from madang.trust.identity.ceremonies import Ceremonies
from madang.trust.identity.person import Person

METHODS = ("hwk", "user", "mfa")
"""RFC 8176: a key that somebody holds, unlocked by what they know or are."""


@dataclass(frozen=True)
class Passkey:
    id: bytes
    name: str
    created_at: datetime
    used_at: datetime | None


class Passkeys:
    """The register of passkeys. `origin` is where the pages are served: an IP address can have no passkeys."""

    def __init__(self, pool: asyncpg.Pool, ceremonies: Ceremonies, clock: Clock, origin: str, name: str) -> None:
        self._pool, self._ceremonies, self._clock = pool, ceremonies, clock
        self._origin, self._rp, self._name = origin, urlsplit(origin).hostname or "", name

    async def of(self, person_id: str) -> list[Passkey]:
        sql = "SELECT id, name, created_at, used_at FROM passkey WHERE person = $1 ORDER BY created_at"
        return [Passkey(**dict(row)) for row in await self._pool.fetch(sql, person_id)]

    async def begin_registration(self, person: Person) -> dict[str, Any]:
        """`{"ceremony", "options"}`: options for `navigator.credentials.create`. Raises BadRequest when there are too many."""
        held = await self.of(person.id)
        if len(held) >= PASSKEYS_MAX:
            raise BadRequest(f"a person has at most {PASSKEYS_MAX} passkeys")
        options = generate_registration_options(
            rp_id=self._rp,
            rp_name=self._name,
            user_id=person.id.encode(),
            user_name=person.login or "",
            user_display_name=person.name,
            exclude_credentials=[PublicKeyCredentialDescriptor(one.id) for one in held],
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
        )
        return await self._begun("passkey-new", options, {"person": person.id})

    async def register(self, person_id: str, ceremony: str, credential: dict[str, Any], name: str) -> None:
        """Raises BadRequest for what was not made for this challenge, origin and person."""
        about = await self._ceremonies.take("passkey-new", ceremony)
        if about["person"] != person_id:
            raise BadRequest("this ceremony is another's")
        try:
            verified = verify_registration_response(
                credential=credential,
                expected_challenge=base64url_to_bytes(about["challenge"]),
                expected_rp_id=self._rp,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError) as error:
            raise BadRequest(f"this passkey was not registered: {error}") from None
        sql = (
            "INSERT INTO passkey (id, person, public_key, sign_count, name, created_at) VALUES ($1, $2, $3, $4, $5, $6)"
            " ON CONFLICT DO NOTHING RETURNING 1"
        )
        key, now = verified.credential_public_key, self._clock.now()
        if not await self._pool.fetchval(sql, verified.credential_id, person_id, key, verified.sign_count, name, now):
            raise BadRequest("this passkey is registered already")

    async def begin_sign_in(self) -> dict[str, Any]:
        """`{"ceremony", "options"}`: options for `navigator.credentials.get`. The passkey itself says whose it is."""
        options = generate_authentication_options(
            rp_id=self._rp, user_verification=UserVerificationRequirement.REQUIRED
        )
        return await self._begun("passkey-use", options, {})

    async def sign_in(self, ceremony: str, credential: dict[str, Any]) -> str:
        """Whose it is: the id of the person. Raises BadRequest; a counter that fell back tells of a copy (7.2, step 21)."""
        about = await self._ceremonies.take("passkey-use", ceremony)
        try:
            key_id = base64url_to_bytes(str(credential.get("id", "")))
            row = await self._pool.fetchrow("SELECT person, public_key, sign_count FROM passkey WHERE id = $1", key_id)
            if row is None:
                raise BadRequest("this passkey is not known here", reason="passkey_unknown")
            verified = verify_authentication_response(
                credential=credential,
                expected_challenge=base64url_to_bytes(about["challenge"]),
                expected_rp_id=self._rp,
                expected_origin=self._origin,
                credential_public_key=row["public_key"],
                credential_current_sign_count=row["sign_count"],
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError) as error:
            raise BadRequest(f"this passkey does not fit: {error}", reason="passkey_wrong") from None
        sql = "UPDATE passkey SET sign_count = $2, used_at = $3 WHERE id = $1"
        await self._pool.execute(sql, key_id, verified.new_sign_count, self._clock.now())
        return str(row["person"])

    async def remove(self, person_id: str, key_id: bytes) -> None:
        await self._pool.execute("DELETE FROM passkey WHERE person = $1 AND id = $2", person_id, key_id)

    async def _begun(self, kind: str, options: Any, about: dict[str, Any]) -> dict[str, Any]:
        challenge = bytes_to_base64url(options.challenge)
        ceremony = await self._ceremonies.begin(kind, about | {"challenge": challenge})
        return {"ceremony": ceremony, "options": msgspec.json.decode(options_to_json(options))}
