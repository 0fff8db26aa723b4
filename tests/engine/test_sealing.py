"""Sealed secrets open for whom they were sealed and nowhere else; the rest of a document stays as it was said."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.base.errors import Internal
from madang.engine.sealing import PREFIX, Seal, open_seal, seal_of_city

SEAL, OTHER = Seal(bytes(32)), Seal(b"\x01" * 32)
SAID: dict[str, Any] = {
    "id": "urn:x:s",
    "notification": {
        "endpoint": {
            "uri": "mqtt://user:secret@broker.example/topic",
            "receiverInfo": [{"key": "Authorization", "value": "Bearer secret"}, {"key": "n", "value": 1}],
        }
    },
    "contextSourceInfo": [{"key": "X-Key", "value": "secret"}],
    "endpoint": "https://plain.example/a@b",
    "description": "uri: secret stays in a description",
}


@given(st.text(max_size=80).filter(lambda text: not text.startswith(PREFIX)), st.text(max_size=20))
def test_what_is_sealed_opens_again(text: str, about: str) -> None:
    sealed = SEAL.close(text, about)
    assert (sealed.startswith(PREFIX), SEAL.open(sealed, about), SEAL.close(sealed, about)) == (True, text, sealed)
    assert SEAL.open(text, about) == text


@given(st.integers(0, 10_000))
def test_nothing_else_opens_it(place: int) -> None:
    sealed = SEAL.close("secret", "urn:x:1")
    at = len(PREFIX) + place % (len(sealed) - len(PREFIX))
    bent = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :]
    assert [SEAL.open(bent, "urn:x:1"), SEAL.open(sealed, "urn:x:2"), OTHER.open(sealed, "urn:x:1")] == ["", "", ""]


@given(st.text(max_size=50), st.text(max_size=20), st.text(max_size=20))
def test_it_signs_for_whom_it_is_asked(text: str, about: str, other: str) -> None:
    assert SEAL.open_bytes(SEAL.close_bytes(text, about), about) == text
    assert (SEAL.fits(SEAL.sign(about), about), SEAL.fits(SEAL.sign(about), other)) == (True, about == other)


@given(st.binary(max_size=60))
def test_bytes_that_do_not_open_are_told_with_the_key_they_wait_for(data: bytes) -> None:
    with pytest.raises(Internal, match="keys/identity"):
        Seal(bytes(32), "keys/identity").open_bytes(data, "totp:a")


def test_what_run_folders_hold_already_opens() -> None:
    """Written by the versions before: nothing but a migration may change this."""
    seal = Seal(bytes(range(32)))
    assert seal.open("sealed:1:jL03gEyFg0ka/exn/UeN5eGoRUeFpMO+mCS6vRPBrSxfDg==", "urn:x:1") == "secret"
    kept = bytes.fromhex("53930279653afae83f9499ef28875526af60fdecfd62e87e72f7948cf374b43cd24f")
    assert seal.open_bytes(kept, "totp:a") == "secret"
    assert seal.sign("out:x") == "dec6f37dc1bd613cacaed44854d1286d248bd4f17971056ecbef1b4c5c3db7fd"


def test_secrets_of_a_document_are_sealed_and_nothing_else() -> None:
    stored = SEAL.close_body(SAID, "urn:x:s")
    endpoint = stored["notification"]["endpoint"]
    hidden = [
        endpoint.pop("uri"),
        endpoint["receiverInfo"][0].pop("value"),
        stored["contextSourceInfo"][0].pop("value"),
    ]
    assert [one.startswith(PREFIX) for one in hidden] == [True, True, True]
    assert stored == {
        "id": "urn:x:s",
        "notification": {"endpoint": {"receiverInfo": [{"key": "Authorization"}, {"key": "n", "value": 1}]}},
        "contextSourceInfo": [{"key": "X-Key"}],
        "endpoint": "https://plain.example/a@b",
        "description": "uri: secret stays in a description",
    }
    assert SEAL.open_body(SEAL.close_body(SAID, "urn:x:s"), "urn:x:s") == SAID


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["uri", "endpoint", "receiverInfo", "contextSourceInfo", "key", "value", "x"]), inner
        )
    ),
    max_leaves=12,
)


@given(json)
def test_any_document_is_read_back(body: Any) -> None:
    assert SEAL.open_body(SEAL.close_body(body, "a"), "a") == body


def test_a_city_keeps_its_key(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADANG_RUN_DIR", str(tmp_path))
    sealed = seal_of_city().close("secret", "a")
    assert (seal_of_city().open(sealed, "a"), (tmp_path / "keys" / "seal").stat().st_mode & 0o777) == ("secret", 0o600)
    assert open_seal(tmp_path, "keys/identity").open(sealed, "a") == ""
