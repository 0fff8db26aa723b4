"""The store's wiring: sizes of areas, apps by service, and where a publisher's domain is asked."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from madang.cli.shop import follow, offering, published_texts, sizes
from madang.model.formula import Area

SQUARE = ((0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0), (0.0, 0.0))
HOLE = ((0.5, 0.5), (1.5, 0.5), (1.5, 1.5), (0.5, 1.5), (0.5, 0.5))
FAR = ((9.0, 9.0), (10.0, 9.0), (10.0, 10.0), (9.0, 10.0), (9.0, 9.0))


def test_a_hole_is_not_part_of_an_area_and_several_parts_are() -> None:
    areas = {"ring": Area("ring", (SQUARE, HOLE)), "both": Area("both", (SQUARE, FAR))}
    gate: Any = SimpleNamespace(ruling=SimpleNamespace(source=SimpleNamespace(areas=areas)))
    assert sizes(gate) == {"ring": 3.0, "both": 5.0}


async def test_apps_are_listed_by_the_service_they_offer() -> None:
    name = {"ko": "신호", "en": "Signals"}
    manifests = [
        SimpleNamespace(id=one, name=name, service=service)
        for one, service in (("a.b", "signals"), ("c.d", ""), ("e.f", "signals"))
    ]

    async def listed() -> Any:
        return manifests

    apps: Any = SimpleNamespace(manifests=listed)
    assert await offering(apps) == {"signals": [("a.b", name), ("e.f", name)]}


async def test_a_private_address_is_not_asked_for_a_publisher(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does who cannot be reached stop anything."""
    monkeypatch.setenv("MADANG_PRIVATE_NETWORKS", "")
    knocked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        knocked.append("knock")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert (await published_texts(f"localhost:{port}"), knocked) == ([], [])
    server.close()


async def test_who_wants_to_know_of_a_removal_still_does() -> None:
    heard: list[str] = []

    async def left(app: str) -> None:
        heard.append(f"left {app}")

    async def gone(app: str) -> None:
        heard.append(f"gone {app}")

    apps: Any = SimpleNamespace(left=left)
    house: Any = SimpleNamespace(installs=SimpleNamespace(gone=gone))
    follow(apps, house)
    await apps.left("a.b")
    assert heard == ["left a.b", "gone a.b"]
