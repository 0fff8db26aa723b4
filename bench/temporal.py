"""How long the past takes to ask: one sensor with 10,000 observations, each a row of history, over HTTP.

    python -m bench.temporal HTTP_URL SECONDS

Prints `{"aggregate_ms", "last_100_ms"}`, both the median of what one client waits.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

POINTS, PORTION = 10_000, 1_000
SENSOR = "urn:ngsi-ld:Sensor:yard:past"
START = datetime(2026, 11, 1, tzinfo=UTC)
ASKED = {"attrs": "temperature", "timerel": "after", "timeAt": "2026-10-31T00:00:00Z"}
AGGREGATE = {**ASKED, "options": "aggregatedValues", "aggrMethods": "avg,min,max", "aggrPeriodDuration": "PT1H"}
LAST = {**ASKED, "lastN": "100"}


def observation(number: int) -> dict[str, Any]:
    when = (START + timedelta(seconds=10 * number)).isoformat()
    temperature = {"type": "Property", "value": number % 400 / 10, "unitCode": "CEL", "observedAt": when}
    return {"id": SENSOR, "type": "Sensor", "temperature": temperature}


async def prepare(http: httpx.AsyncClient) -> None:
    for begin in range(0, POINTS, PORTION):
        portion = [observation(number) for number in range(begin, begin + PORTION)]
        (await http.post("entityOperations/upsert?options=update", json=portion)).raise_for_status()


async def median_ms(http: httpx.AsyncClient, asked: dict[str, str], seconds: float) -> float:
    taken, until = [], time.perf_counter() + seconds
    while time.perf_counter() < until:
        begun = time.perf_counter()
        (await http.get(f"temporal/entities/{SENSOR}", params=asked)).raise_for_status()
        taken.append(time.perf_counter() - begun)
    return round(statistics.median(taken) * 1000, 1)


async def main(url: str, seconds: float) -> None:
    async with httpx.AsyncClient(base_url=f"{url}ngsi-ld/v1/", trust_env=False, timeout=60) as http:
        await prepare(http)
        found = {
            "aggregate_ms": await median_ms(http, AGGREGATE, seconds),
            "last_100_ms": await median_ms(http, LAST, seconds),
        }
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
