"""The plain door answers what an ACME server asks, and nothing but the way to https else."""

from __future__ import annotations

import httpx
import pytest

from madang.people.challenge import ChallengeDoor
from madang.people.http import Response

ANSWERS = {"token-1": "token-1.thumb"}
DOOR = ChallengeDoor(ANSWERS, "https://city.example")


def elsewhere(location: bytes) -> Response:
    return Response(308, b"", [(b"location", location)])


def test_a_token_is_answered_with_its_key_authorization() -> None:
    octets = [(b"content-type", b"application/octet-stream"), (b"cache-control", b"no-store")]
    assert DOOR.answer("/.well-known/acme-challenge/token-1") == Response(200, b"token-1.thumb", octets)


@pytest.mark.parametrize("token", ["", "token-2", "token-1/", "../token-1", "token-%31"])
def test_an_unknown_token_is_not_found(token: str) -> None:
    assert DOOR.answer(f"/.well-known/acme-challenge/{token}") == Response(404)


@pytest.mark.parametrize(
    ("path", "query", "location"),
    [
        ("/", "", b"https://city.example/"),
        ("/ngsi-ld/v1/entities", "type=Bin&limit=2", b"https://city.example/ngsi-ld/v1/entities?type=Bin&limit=2"),
        ("//other.example/x", "", b"https://city.example//other.example/x"),
        ("*", "", b"https://city.example/"),
        ("@other.example", "", b"https://city.example/"),
        (".other.example", "", b"https://city.example/"),
        ("/.well-known/acme-challenge", "", b"https://city.example/.well-known/acme-challenge"),
    ],
)
def test_all_else_is_sent_to_https_of_the_same_city(path: str, query: str, location: bytes) -> None:
    assert DOOR.answer(path, query) == elsewhere(location)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
async def test_it_speaks_asgi(method: str) -> None:
    transport = httpx.ASGITransport(app=DOOR)
    async with httpx.AsyncClient(transport=transport, base_url="http://anything.example") as client:
        found = await client.request(method, "/a%20b?c=%0d%0ad", headers={"authorization": "Bearer x"})
    assert (found.status_code, found.headers["location"], found.content) == (
        308,
        "https://city.example/a%20b?c=%0d%0ad",
        b"",
    )


async def test_a_socket_is_not_opened() -> None:
    said: list[object] = []

    async def send(message: object) -> None:
        said.append(message)

    async def receive() -> object:
        raise AssertionError("nobody waits for more")

    await DOOR({"type": "websocket"}, receive, send)
    assert said == [{"type": "websocket.close"}]
