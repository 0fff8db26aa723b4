"""A process with a writer and a snapshot of its own, told what to do on stdin: {"put": id, "value": n}, {"get": id}, {"list": type}."""

from __future__ import annotations

import asyncio
import json
import sys

from madang.context.query import Query
from madang.context.snapshot import open_snapshot
from madang.context.store import Store
from madang.context.writer import Writer
from madang.engine.database import connect_pool
from madang.model.entity import Entity
from madang.model.operations import Delete, Replace

KIND = "https://uri.etsi.org/ngsi-ld/default-context/Shared"


async def main(dsn: str) -> None:
    async with await connect_pool(dsn, 1, 3) as pool:
        snapshot = await open_snapshot(pool)
        writer, store = Writer(pool, snapshot), Store(pool, snapshot)
        writer.start()
        print(json.dumps(snapshot is not None), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await answer(json.loads(line), writer, store)), flush=True)
        await writer.stop()


async def answer(asked: dict[str, object], writer: Writer, store: Store) -> object:
    if "put" in asked:
        body = {"n": {"type": "Property", "value": asked["value"]}}
        return (await writer.submit(Replace(Entity(str(asked["put"]), [KIND], body), create=True))).created
    if "delete" in asked:
        return (await writer.submit(Delete(str(asked["delete"])))).created
    if "list" in asked:
        page = await store.find(Query(types=(KIND,), limit=100))
        return {row.entity.id: row.entity.body["n"]["value"] for row in page.rows}
    return {row.entity.id: row.entity.body["n"]["value"] for row in await store.list_by_id([str(asked["get"])])}


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
