"""Where data comes from and where it goes: OpenLineage events (spec 2-0-2), and the graph around a data set.

A node's name says what it is: `topic:MQTT`, `device:TYPE`, `observation:TYPE` (its history in the lake), `source:ADDRESS`, `dataset:ID`,
`published:ID`, `indicator:CODE`, `app:ID`, `chart:ID`, `decision:KIND`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec

from madang.base.clock import to_iso
from madang.base.limits import LINEAGE_NODES_MAX

PRODUCER = "https://github.com/madang-os/madang"
SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"


@dataclass(frozen=True)
class Edge:
    """`job` made `output` of `input`, last at that time."""

    input: str
    job: str
    output: str
    at: datetime


def event_of(
    city: str, job: str, run: UUID, inputs: Sequence[str], outputs: Sequence[str], at: datetime
) -> dict[str, Any]:
    """A RunEvent of a job that has ended. Pure."""

    def named(names: Sequence[str]) -> list[dict[str, str]]:
        return [{"namespace": f"madang://{city}", "name": name} for name in names]

    return {
        "eventType": "COMPLETE",
        "eventTime": to_iso(at),
        "producer": PRODUCER,
        "schemaURL": SCHEMA,
        "run": {"runId": str(run)},
        "job": {"namespace": f"madang://{city}", "name": job},
        "inputs": named(inputs),
        "outputs": named(outputs),
    }


class Lineage:
    def __init__(self, pool: asyncpg.Pool, city: str) -> None:
        self._pool, self.city = pool, city

    async def tell(self, job: str, inputs: Sequence[str], outputs: Sequence[str], at: datetime) -> None:
        run = uuid4()
        event = event_of(self.city, job, run, inputs, outputs, at)
        await self._pool.execute(
            "INSERT INTO lineage_event (at, job, run, inputs, outputs, event) VALUES ($1, $2, $3, $4, $5, $6)",
            at, job, run, list(inputs), list(outputs), msgspec.json.encode(event),
        )  # fmt: skip

    async def events(self, node: str, limit: int) -> list[dict[str, Any]]:
        """OpenLineage's, of runs that read or wrote it; the latest first."""
        sql = "SELECT event FROM lineage_event WHERE $1 = ANY(inputs) OR $1 = ANY(outputs) ORDER BY id DESC LIMIT $2"
        return [row["event"] for row in await self._pool.fetch(sql, node, limit)]

    async def nodes(self, words: str, limit: int) -> list[str]:
        """Those whose name has the words in it."""
        sql = (
            "SELECT DISTINCT node FROM lineage_event, unnest(inputs || outputs) AS node WHERE position(lower($1) IN lower(node)) > 0"
            " ORDER BY node LIMIT $2"
        )
        return [row["node"] for row in await self._pool.fetch(sql, words, limit)]

    async def around(self, node: str) -> list[Edge]:
        """What it was made of, step by step, and what was made of it."""
        before = await self._walk(node, "outputs", "inputs")
        after = await self._walk(node, "inputs", "outputs")
        latest: dict[tuple[str, str, str], Edge] = {}
        for edge in sorted({*before, *after}, key=lambda one: one.at):
            latest[edge.input, edge.job, edge.output] = edge
        return sorted(latest.values(), key=lambda one: (one.output, one.input))

    async def _walk(self, node: str, at: str, to: str) -> list[Edge]:
        edges: list[Edge] = []
        seen, waiting = {node}, [node]
        while waiting and len(seen) <= LINEAGE_NODES_MAX:
            rows = await self._pool.fetch(
                f"SELECT DISTINCT ON (job, inputs, outputs) job, inputs, outputs, at FROM lineage_event WHERE {at} && $1"
                " ORDER BY job, inputs, outputs, id DESC LIMIT $2",
                waiting, LINEAGE_NODES_MAX,
            )  # fmt: skip
            edges += [
                Edge(one, row["job"], other, row["at"])
                for row in rows
                for one in row["inputs"]
                for other in row["outputs"]
            ]
            waiting = list({one for row in rows for one in row[to]} - seen)
            seen.update(waiting)
        return edges
