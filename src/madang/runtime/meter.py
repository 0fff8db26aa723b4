"""What each app did, in each tenant: counted where it is done, kept in hours in the database.

The gateway counts in files mapped into its memory: what was counted is in the file at once, and stays there when the process is killed
(not when the machine loses power: then what was counted since the last sweep may be lost). A sweep adds what the files say more than
they said before, and how far it read is written with it in one statement: a sweep that is cut off counts nothing twice or not at all.

An act is counted when it was done and before the answer leaves. So whoever was answered finds it counted; of acts in flight when the
gateway is killed, none of which was answered, some may be counted.

Measures: `reads` entities told, `writes` entities written, `commands` intents that got a receipt, `messages` requests and frames,
`cpu_s` seconds of processor, `storage_byte_h` bytes kept times hours, `egress_bytes` sent and received outside of the city.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import uuid
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from madang.base.clock import Clock
from madang.base.limits import APP_COUNTERS_MAX
from madang.engine.privilege import own

COUNTED = ("reads", "writes", "commands", "messages", "egress_bytes")
"""By the gateway; the others are measured by the supervisor."""
_PAGE, _NUMBERS = 4_096, 2_048
_PLACES = {name: _NUMBERS + 8 * at for at, name in enumerate(COUNTED)}
Total = tuple[str, str, str, str, Decimal]
"""Source, app, tenant, measure, and how much that source has counted in all."""

SWEEP = """
WITH told AS (
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::numeric[]) AS t (source, app_id, tenant, measure, amount)
),
more AS (
  SELECT app_id, tenant, measure, sum(told.amount - coalesce(app_counted.amount, 0)) AS amount
  FROM told LEFT JOIN app_counted USING (app_id, tenant, measure, source)
  WHERE told.amount > coalesce(app_counted.amount, 0)
  GROUP BY app_id, tenant, measure
),
counted AS (
  INSERT INTO app_counted (source, app_id, tenant, measure, amount) SELECT source, app_id, tenant, measure, amount FROM told
  ON CONFLICT (app_id, tenant, measure, source) DO UPDATE SET amount = EXCLUDED.amount WHERE app_counted.amount < EXCLUDED.amount
)
INSERT INTO app_usage (app_id, tenant, hour, measure, amount)
SELECT app_id, tenant, date_trunc('hour', $6::timestamptz), measure, amount FROM more
ON CONFLICT (app_id, tenant, hour, measure) DO UPDATE SET amount = app_usage.amount + EXCLUDED.amount
"""


class Header(msgspec.Struct, frozen=True):
    source: str
    app: str
    tenant: str


class Counter:
    """One file: a line that says whose it is, then a number of 8 bytes for each of COUNTED."""

    def __init__(self, path: Path, app: str, tenant: str) -> None:
        if not path.exists():
            header = msgspec.json.encode(Header(uuid.uuid4().hex, app, tenant))
            if len(header) > _NUMBERS:
                raise ValueError("a name that is too long to count under")
            fresh = path.with_suffix(".new")
            fresh.write_bytes(header.ljust(_PAGE, b"\0"))
            fresh.replace(path)
        with path.open("r+b") as file:
            self._held = mmap.mmap(file.fileno(), _PAGE)
        self.header = msgspec.json.decode(self._held[:_NUMBERS].rstrip(b"\0"), type=Header)

    def add(self, measure: str, amount: int) -> None:
        at = _PLACES[measure]
        now = int.from_bytes(self._held[at : at + 8], "little") + amount
        self._held[at : at + 8] = now.to_bytes(8, "little")

    def totals(self) -> list[Total]:
        head = self.header
        found = ((name, int.from_bytes(self._held[at : at + 8], "little")) for name, at in _PLACES.items())
        return [(head.source, head.app, head.tenant, name, Decimal(amount)) for name, amount in found if amount]


class Meter:
    """Of one city. `folder`: where the files are; those of a gateway before are read on."""

    def __init__(self, pool: asyncpg.Pool, folder: Path, clock: Clock) -> None:
        self._pool, self._folder, self._clock = pool, own(folder, os.getuid()), clock
        self._counters: dict[tuple[str, str], Counter] = {}
        for path in sorted(folder.glob("*.count")):
            counter = Counter(path, "", "")
            self._counters[counter.header.app, counter.header.tenant] = counter

    def count(self, app_id: str, tenant: str, amounts: dict[str, int]) -> None:
        """At once, and for good."""
        counter = self._counters.get((app_id, tenant)) or self._open(app_id, tenant)
        for measure, amount in amounts.items():
            if amount:
                counter.add(measure, amount)

    def _open(self, app_id: str, tenant: str) -> Counter:
        if len(self._counters) >= APP_COUNTERS_MAX:
            tenant = ""  # it is counted all the same
        name = hashlib.sha256(f"{app_id}\n{tenant}".encode()).hexdigest()[:32]
        counter = self._counters[app_id, tenant] = Counter(self._folder / f"{name}.count", app_id, tenant)
        return counter

    async def sweep(self, measured: Iterable[Total] = ()) -> None:
        """Takes what was counted since the last time into the database; `measured`: totals of others. Raises one of LOST."""
        totals = [total for counter in self._counters.values() for total in counter.totals()] + list(measured)
        if totals:
            columns = [list(column) for column in zip(*totals, strict=True)]
            await self._pool.execute(SWEEP, *columns, self._clock.now())

    async def usage(self, app_id: str, since: datetime, until: datetime) -> dict[tuple[str, str], Decimal]:
        """By tenant and measure, of the hours that begin from `since` on and before `until`."""
        records = await self._pool.fetch(
            "SELECT tenant, measure, sum(amount) AS amount FROM app_usage WHERE app_id = $1 AND hour >= $2 AND hour < $3"
            " GROUP BY tenant, measure ORDER BY tenant, measure",
            app_id, since, until,
        )  # fmt: skip
        return {(record["tenant"], record["measure"]): record["amount"] for record in records}


def measured_by(report: dict[str, Any]) -> list[Total]:
    """What the supervisor measured: processor and storage, of the whole app."""
    out: list[Total] = []
    for app_id, used in report["used"].items():
        out.append((f"cpu:{used['cpu_source']}", app_id, "", "cpu_s", _decimal(used["cpu_s"])))
        storage = _decimal(used["storage_byte_s"] / 3_600)
        out.append((f"storage:{report['epoch']}", app_id, "", "storage_byte_h", storage))
    return [total for total in out if total[4] > 0]


def _decimal(number: float) -> Decimal:
    return Decimal(f"{number:.6f}")
