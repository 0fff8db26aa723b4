"""One-time codes count once, waiting grows to a bound, and roles that move the city need two factors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import BadRequest
from madang.base.limits import SIGN_IN_FREE_FAILURES, SIGN_IN_PAUSE_MAX_S
from madang.trust.identity.device_codes import new_user_code, polled_too_soon, read_user_code
from madang.trust.identity.lockout import heard_at, pause_s
from madang.trust.identity.passwords import check_new, hash_password, is_password
from madang.trust.identity.person import (
    PERSONS_ROLES,
    STRONG_ROLES,
    acr_of,
    checked_email,
    checked_login,
    checked_roles,
    may_change_factors,
    roles_in_force,
)
from madang.trust.identity.totp import STEP_S, match_totp, new_totp_secret, totp_code, totp_uri

RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # "12345678901234567890"


@pytest.mark.parametrize(
    ("at_s", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_codes_are_those_of_rfc_6238(at_s: int, code: str) -> None:
    assert totp_code(RFC_SECRET, at_s // STEP_S) == code


@given(st.integers(60, 2**40), st.integers(-1, 1))
def test_a_code_counts_once_within_a_step_of_its_time(at_s: int, drift: int) -> None:
    step = at_s // STEP_S + drift
    code = totp_code(RFC_SECRET, step)
    assert match_totp(RFC_SECRET, code, at_s, -1) is not None
    assert match_totp(RFC_SECRET, code, at_s, at_s // STEP_S + 1) is None


def test_an_authenticator_app_is_told_all_it_needs() -> None:
    uri = totp_uri("ABC", "mina kim", "Yard & Co")
    assert uri == "otpauth://totp/Yard%20%26%20Co:mina%20kim?secret=ABC&issuer=Yard%20%26%20Co&digits=6&period=30"
    assert len(new_totp_secret()) == 32


def test_waiting_grows_from_nothing_to_a_bound() -> None:
    pauses = [pause_s(failures) for failures in range(60)]
    assert pauses[SIGN_IN_FREE_FAILURES - 1] == 0
    assert all(before <= after for before, after in pairwise(pauses))
    assert pauses[SIGN_IN_FREE_FAILURES] == 5.0
    assert pauses[-1] == SIGN_IN_PAUSE_MAX_S
    failed = datetime(2026, 11, 22, tzinfo=UTC)
    assert heard_at(SIGN_IN_FREE_FAILURES, failed) == failed + timedelta(seconds=5)
    assert heard_at(0, failed) is None


@given(st.frozensets(st.sampled_from(sorted(PERSONS_ROLES))))
def test_one_factor_leaves_no_role_that_moves_the_city(roles: frozenset[str]) -> None:
    assert roles_in_force(roles, ("pwd",)) == roles - STRONG_ROLES
    assert roles_in_force(roles, ("pwd", "otp", "mfa")) == roles


def test_what_was_shown_has_a_name() -> None:
    assert [acr_of(methods) for methods in (("pwd",), ("pwd", "otp", "mfa"), ("hwk", "user", "mfa"))] == [
        "pwd",
        "mfa",
        "phr",
    ]


def test_a_password_alone_puts_no_factor_beside_one_that_is_there() -> None:
    assert [may_change_factors(("pwd",), held) for held in (False, True)] == [True, False]
    assert may_change_factors(("pwd", "otp", "mfa"), True)


@pytest.mark.parametrize("password", ["short", "a" * 201, "aaaaaaaaaaaaaaaa", "mina-mina"])
def test_what_is_no_password(password: str) -> None:
    with pytest.raises(BadRequest):
        check_new(password, "mina")


async def test_a_password_is_known_by_its_hash_alone() -> None:
    stored = await hash_password("a few words of mine")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    told = [await is_password(kept, "a few words of mine") for kept in (stored, None, "not a hash")]
    assert (told, await is_password(stored, "other words")) == ([True, False, False], False)


@pytest.mark.parametrize(
    "refused",
    [
        lambda: checked_login("two words"),
        lambda: checked_login(""),
        lambda: checked_email("nobody"),
        lambda: checked_roles({"reader"}),
        lambda: checked_roles({"mayor"}),
    ],
)
def test_what_an_account_cannot_have(refused: object) -> None:
    with pytest.raises(BadRequest):
        refused()  # type: ignore[operator]


def test_what_an_account_can_have() -> None:
    assert (checked_login(" Mina.Kim "), checked_email(" "), checked_roles({"auditor"})) == (
        "mina.kim",
        None,
        {"auditor"},
    )


def test_user_codes_are_read_as_people_type_them() -> None:
    code = new_user_code()
    assert read_user_code(f" {code.lower().replace('-', ' ')} ") == code
    asked = datetime(2026, 11, 22, tzinfo=UTC)
    assert polled_too_soon(asked, 5, asked + timedelta(seconds=4))
    assert not polled_too_soon(asked, 5, asked + timedelta(seconds=5))
    assert not polled_too_soon(None, 5, asked)
