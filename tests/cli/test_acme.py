"""Settings of ACME that no certificate could come of are refused at the start, in a sentence."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from madang.base.errors import BadRequest
from madang.cli.acme import Acme, kept_of
from madang.cli.instance import Instance, demo_env

GIVEN = {"MADANG_ACME_DIRECTORY": "https://ca.example/directory", "MADANG_ADDRESS": "https://City.example:8443/"}


def acme(monkeypatch: pytest.MonkeyPatch, **more: str) -> Acme | None:
    for name, value in (GIVEN | more).items():
        monkeypatch.setenv(name, value)
    return Acme.from_env()


def test_the_host_comes_from_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    found = acme(monkeypatch, MADANG_ACME_EMAIL="it@city.example", MADANG_ACME_HTTP_PORT="8080")
    directory, address = "https://ca.example/directory", "https://City.example:8443"
    assert found == Acme(directory, "it@city.example", "city.example", address, 8080)


def test_the_port_is_80_and_without_a_directory_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = acme(monkeypatch)
    assert found is not None
    assert (found.port, acme(monkeypatch, MADANG_ACME_DIRECTORY="")) == (80, None)


def test_each_server_has_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real, trial = acme(monkeypatch), acme(monkeypatch, MADANG_ACME_DIRECTORY="https://trial.example:8443/../directory")
    assert real is not None and trial is not None
    assert [kept_of(one, tmp_path).path.parent for one in (real, trial)] == [
        tmp_path / "acme" / "ca.example_directory",
        tmp_path / "acme" / "trial.example_8443_.._directory",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MADANG_ACME_DIRECTORY", "http://ca.example/directory"),
        ("MADANG_ADDRESS", ""),
        ("MADANG_ADDRESS", "http://city.example"),
        ("MADANG_ADDRESS", "https://10.1.0.5"),
        ("MADANG_ADDRESS", "https://[2001:db8::1]"),
        ("MADANG_ADDRESS", "https://city.example/below"),
        ("MADANG_ACME_HTTP_PORT", "http"),
        ("MADANG_ACME_HTTP_PORT", "0"),
    ],
)
def test_what_cannot_work_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(BadRequest) as refused:
        acme(monkeypatch, **{name: value})
    assert name in str(refused.value.detail)


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadRequest, match=f"MADANG_ACME_HTTP_PORT {port}"):
            Acme("", "", "", "", port).listen()


def test_given_and_fetched_certificates_are_not_both_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADANG_TLS_CERTIFICATE", "a.crt")
    monkeypatch.setenv("MADANG_TLS_KEY", "a.key")
    acme(monkeypatch)
    with pytest.raises(BadRequest, match="not both"):
        Instance(tmp_path, "yard", tmp_path / "yard.toml", None, demo_env("reader", tmp_path, None, None), print)
