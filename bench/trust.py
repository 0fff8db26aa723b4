"""`madang bench trust`: what an entry of the audit log costs, and how long a whole log takes to be verified.

`audit_append_us`: CPU of this process and of PostgreSQL for one entry, of 20,000 that come a hundred at a time, as a busy command
room's do. `audit_verify_100k_s`: wall time until 100,000 entries are computed anew, against a kept checkpoint.
`decision_uncached_us`: CPU for what one principal may do to one service, by the house's policies, with nothing remembered but the
parsed policies; `residue_uncached_us`: the same of all entities at once. `filtered_query_cost_ratio`: see `bench.filtered`; `token_*`: see
`bench.knowing`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from pathlib import Path

import asyncpg
import psutil

from bench.filtered import ratio
from bench.knowing import know
from madang.base.clock import SystemClock
from madang.cli.instance import postgres_spec
from madang.engine import database
from madang.engine.postgres import Postgres
from madang.engine.supervisor import Supervisor
from madang.engine.temporary import scratch, sockets_of
from madang.trust.audit.entry import Event
from madang.trust.audit.keeper import open_keeper
from madang.trust.audit.log import AuditLog
from madang.trust.audit.verify import verify
from madang.trust.caller import Claim
from madang.trust.policy.gate import open_gate
from madang.trust.principal import Principal

TOGETHER, MEASURED, WHOLE, DECISIONS = 100, 20_000, 100_000, 5_000
SECONDS = 3.0
DETAILS = {"id": "urn:ngsi-ld:Command:city:0", "kind": "signal.stage", "value": '{"stage":1}', "rank": "efficiency"}


def cpu_s(pid: int) -> float:
    """Of this process and a server's tree, the ended children of the server included."""
    total = time.process_time()
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        times = process.cpu_times()
        total += times.user + times.system
    times = psutil.Process(pid).cpu_times()
    return total + times.children_user + times.children_system


async def append(log: AuditLog, count: int, together: int) -> None:
    event = Event(SystemClock().now(), "app:signals", "command", "urn:ngsi-ld:T:city:1", "a queue", "accepted", DETAILS)
    for _ in range(count // together):
        await asyncio.gather(*(log.append(event) for _ in range(together)))


async def measure(pool: asyncpg.Pool, run_dir: Path, pid: int) -> dict[str, float]:
    """The figures."""
    keeper = open_keeper(pool, run_dir, "bench")
    await append(keeper.log, 2_000, TOGETHER)
    before = cpu_s(pid)
    await append(keeper.log, MEASURED, TOGETHER)
    append_us = (cpu_s(pid) - before) / MEASURED * 1e6
    await append(keeper.log, WHOLE - MEASURED - 2_000, 1_000)
    await keeper.sign()
    began = time.perf_counter()
    verdict = await verify(pool, keeper.kept())
    verify_s = time.perf_counter() - began
    if verdict.faults or verdict.size != WHOLE:
        raise SystemExit(f"the log is not whole: {verdict}")
    return {"audit_append_us": round(append_us, 1), "audit_verify_100k_s": round(verify_s, 2)}


def decide() -> dict[str, float]:
    """Of principals that nobody asked about before."""
    gate, roles = open_gate(), ("operator", "analyst", "kiosk", "citizen", "auditor")
    claims = [Claim(Principal("person", f"p{n}", frozenset({roles[n % 5]}))) for n in range(DECISIONS)]
    began = time.process_time()
    for claim in claims:
        gate.decide(claim, "read", "audit")
    between = time.process_time()
    for claim in claims:
        gate.residue(claim, "read")
    ended = time.process_time()
    return {
        "decision_uncached_us": round((between - began) / DECISIONS * 1e6, 1),
        "residue_uncached_us": round((ended - between) / DECISIONS * 1e6, 1),
    }


async def bench() -> dict[str, float]:
    folder = scratch("madang-bench-")
    server, supervisor, sockets = Postgres(folder.path), Supervisor(folder.path / "logs"), sockets_of(folder.path)
    try:
        sockets.hold()
        await supervisor.run(postgres_spec(server))
        await database.ensure_database(server.dsn)
        await database.migrate(server.dsn)
        pid = int(supervisor.status()["postgres"]["pid"])
        async with await database.connect_pool(server.dsn, 1, 4) as pool:
            return await measure(pool, folder.path, pid) | await know(pool, folder.path)
    finally:
        await supervisor.stop()
        sockets.remove()
        folder.remove()


def main() -> None:
    options = argparse.ArgumentParser(prog="madang bench trust")
    options.add_argument("--json", action="store_true", help="one JSON object on stdout")
    given = options.parse_args()
    figures = asyncio.run(bench()) | decide() | asyncio.run(ratio(SECONDS))
    print(json.dumps(figures) if given.json else "\n".join(f"{name} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
