"""A token opens what it was made for, until its end, and nothing that was done to it goes unseen."""

from __future__ import annotations

import base64
import hmac
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import Unauthorized
from madang.base.limits import ACCESS_TOKEN_LIFETIME_S, SIGNING_KEY_LIFETIME_S
from madang.trust.identity.keys import ALGORITHMS, KEPT_S, KeyRing, SigningKey, rotated
from madang.trust.identity.tokens import read_access_token, read_id_token_hint, sign_access_token, sign_id_token

ISSUER, NOW = "http://localhost:8600", 1_800_000_000


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    ring = KeyRing(tmp_path_factory.mktemp("ring") / "signing.json")
    ring.refresh(NOW)
    return ring


def made(ring: KeyRing, **more: Any) -> str:
    return sign_access_token(ring, ISSUER, "mina", "app", "g1", ("madang", "openid"), NOW, **more)[0]


def test_a_token_says_what_it_was_made_for(ring: KeyRing) -> None:
    token, claims = sign_access_token(ring, ISSUER, "mina", "app", "g1", ("openid", "madang"), NOW, actor="app")
    assert read_access_token(ring, token, ISSUER, NOW) == claims
    shown = {name: value for name, value in claims.items() if name != "jti"}
    assert shown == {
        "iss": ISSUER, "aud": ISSUER, "sub": "mina", "client_id": "app", "scope": "madang openid", "iat": NOW,
        "exp": NOW + ACCESS_TOKEN_LIFETIME_S, "grant": "g1", "act": {"sub": "app"},
    }  # fmt: skip


def bent(token: str, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Parts of it changed, the signature as it was."""
    parts = token.split(".")
    for place, change in ((0, header), (1, claims)):
        was = json.loads(base64.urlsafe_b64decode(parts[place] + "=="))
        parts[place] = base64.urlsafe_b64encode(json.dumps(was | change).encode()).decode().rstrip("=")
    return ".".join(parts)


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({"alg": "none"}, {}),
        ({"alg": "HS256"}, {}),
        ({"alg": "RS256"}, {}),
        ({"kid": "another"}, {}),
        ({"typ": "JWT"}, {}),
        ({}, {"sub": "jiho"}),
        ({}, {"exp": NOW + 10**6}),
        ({}, {"aud": "https://elsewhere.example"}),
    ],
)
def test_what_was_bent_opens_nothing(ring: KeyRing, header: dict[str, Any], claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized):
        read_access_token(ring, bent(made(ring), header, claims), ISSUER, NOW)


def test_without_a_signature_or_signed_by_our_public_key_it_opens_nothing(ring: KeyRing) -> None:
    head, body, _ = bent(made(ring), {"alg": "none"}, {}).split(".")
    kid, key = ring.signing("ES256")
    parts = [
        {"alg": "HS256", "typ": "at+jwt", "kid": kid},
        {"iss": ISSUER, "aud": ISSUER, "sub": "mina", "exp": NOW + 60},
    ]
    signed = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    mac = hmac.digest(key.as_pem(private=False), signed.encode(), "sha256")
    confused = f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
    for token in (f"{head}.{body}.", f"{head}.{body}", confused, "a.b.c", "", "..", "\u00e9.\u00e9.\u00e9"):
        with pytest.raises(Unauthorized):
            read_access_token(ring, token, ISSUER, NOW)


def test_it_ends_on_the_second_and_is_for_one_audience(ring: KeyRing) -> None:
    assert read_access_token(ring, made(ring), ISSUER, NOW + ACCESS_TOKEN_LIFETIME_S - 1)["sub"] == "mina"
    for token, at_s, issuer in (
        (made(ring), NOW + ACCESS_TOKEN_LIFETIME_S, ISSUER),
        (made(ring, ends_s=NOW + 5), NOW + 5, ISSUER),
        (made(ring, audience="other"), NOW, ISSUER),
        (made(ring), NOW, "https://elsewhere.example"),
    ):
        with pytest.raises(Unauthorized):
            read_access_token(ring, token, issuer, at_s)
    assert read_access_token(ring, made(ring, audience="other"), ISSUER, NOW, "other")["aud"] == "other"


def test_an_id_token_is_no_access_token_nor_the_other_way_round(ring: KeyRing) -> None:
    token = sign_id_token(ring, {"iss": ISSUER, "aud": ISSUER, "sub": "mina", "grant": "g"}, "access", NOW)
    assert read_id_token_hint(ring, token, ISSUER)["sub"] == "mina"
    with pytest.raises(Unauthorized):
        read_access_token(ring, token, ISSUER, NOW)
    with pytest.raises(Unauthorized):
        read_id_token_hint(ring, made(ring), ISSUER)


def dull(alg: str, now_s: int) -> SigningKey:
    return SigningKey(f"{alg}-{now_s}", alg, now_s, None, {})


@given(st.lists(st.tuples(st.integers(0, 2 * SIGNING_KEY_LIFETIME_S), st.booleans()), max_size=12))
def test_a_ring_has_one_key_in_use_of_each_kind_and_keeps_the_others_for_their_tokens(
    steps: list[tuple[int, bool]],
) -> None:
    keys: tuple[SigningKey, ...] = ()
    now_s = NOW
    for pause_s, now in steps:
        before, now_s = keys, now_s + pause_s
        keys = rotated(keys, now_s, now, dull)
        assert sorted(key.alg for key in keys if key.retired_at is None) == sorted(ALGORITHMS)
        assert all(now_s - key.made_at < SIGNING_KEY_LIFETIME_S for key in keys if key.retired_at is None)
        used = {key.kid for key in before if key.retired_at is None or now_s - key.retired_at < KEPT_S}
        assert used <= {key.kid for key in keys}
        assert all(now_s - key.retired_at < KEPT_S for key in keys if key.retired_at is not None)


def test_keys_are_for_their_owner_alone_and_old_tokens_hold_over_a_rotation(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "signing.json"
    one, other = KeyRing(path), KeyRing(path)
    one.refresh(NOW)
    token = made(one)
    other.refresh(NOW, now=True)
    assert read_access_token(one, made(other), ISSUER, NOW)["sub"] == "mina"  # made after `one` last read the file
    assert read_access_token(other, token, ISSUER, NOW)["sub"] == "mina"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(one.public()["keys"]) == 4
    assert all(not {"d", "p", "q", "dp", "dq", "qi"} & key.keys() for key in one.public()["keys"])
