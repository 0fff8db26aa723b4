"""Sealed secrets open for whom they were sealed and nowhere else; the rest of a document stays as it was said."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.engine.sealing import PREFIX, Seal, seal_of_city

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
