"""Snapshots of a real house, whose gateway is killed while it makes some (clause 5.16)."""

from __future__ import annotations

from typing import Any

import httpx

from tests.flow.conftest import House
from tests.waiting import until

QUERY = {"type": "Query", "entities": [{"type": "T"}]}


async def status(client: httpx.AsyncClient, number: int) -> dict[str, Any]:
    """How a snapshot is once nobody makes it any more."""
    told: dict[str, Any] = {}

    async def done() -> bool:
        told.update((await client.get(f"snapshots/urn:s:{number}")).json())
        return told["snapshotStatus"] != "preparing"

    await until(done, f"snapshot {number} is ready or given up")
    return told


async def test_what_a_killed_gateway_was_making_says_so(house: House) -> None:
    async with httpx.AsyncClient(base_url=f"{house.url}ngsi-ld/v1/", trust_env=False, timeout=20) as client:
        (await client.post("entities", json={"id": "urn:x:1", "type": "T", "speed": 1})).raise_for_status()
        for number in range(6):
            body = {"id": f"urn:s:{number}", "type": "Snapshot", "snapshotQueries": [QUERY]}
            (await client.post("snapshots", json=body)).raise_for_status()
        await house.restored("gateway", house.kill("gateway"))
        told = [await status(client, number) for number in range(6)]
        assert {one["snapshotStatus"] for one in told} <= {"success", "failure"}
        assert told[-1]["snapshotQueriesDetails"][0]["problemDetails"]["title"] == "Interrupted"

        body = {"id": "urn:s:6", "type": "Snapshot", "snapshotQueries": [QUERY]}
        (await client.post("snapshots", json=body)).raise_for_status()
        assert (await status(client, 6))["snapshotStatus"] == "success"
        (await client.patch("entities/urn:x:1", json={"speed": 2})).raise_for_status()
        shown = await client.get("entities?type=T&options=keyValues", headers={"ngsild-snapshot": "urn:s:6"})
        assert shown.json() == [{"id": "urn:x:1", "type": "T", "speed": 1}]
