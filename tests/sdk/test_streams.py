"""The law of streams: however the log is cut into frames, told again, or broken off, what is kept is what the events make of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from madang.sdk import DoorClosed, DoorError
from madang.sdk.engines import Here
from madang.sdk.feed import Feed, Followed
from madang.sdk.http import Address
from madang.sdk.loading import load_app
from madang.sdk.store import Commit, Place, Store
from madang.sdk.streams import Streams

APP = load_app(str(Path(__file__).parent / "apps" / "counting"), "counting.app")
EVENTS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), max_size=25)
CUTS = st.lists(st.tuples(st.integers(0, 25), st.integers(1, 25), st.booleans()), max_size=12)


def change(seq: int, gauge: int, number: int) -> dict[str, Any]:
    at = f"2026-06-01T06:{seq:02d}:00.000Z"
    return {"seq": seq, "op": "u", "at": at, "entity": {"id": f"Gauge:{gauge}", "type": "Gauge", "n": number}}


class Breaking(Here):
    """Fails as if the city or a worker were away, when it is told to."""

    broken = False

    async def run(self, tasks: Sequence[Any]) -> list[Any]:
        results = await super().run(tasks)
        if self.broken:
            raise DoorClosed("away")
        return results


async def nowhere(name: str) -> dict[str, Any]:
    raise DoorError(404, {})


async def play(events: list[tuple[int, int]], cuts: list[tuple[int, int, bool]]) -> tuple[Any, Any, int]:
    log = [change(seq, *event) for seq, event in enumerate(events, 1)]
    store, engine = Store(), Breaking(APP)
    streams = Streams(APP.plan, store, engine, nowhere)
    for name in ("count", "summary"):
        for begin, length, engine.broken in [*cuts, (0, len(log) + 1, False)]:
            # Never beyond what was taken: a log is told from the place that one names, earlier parts perhaps again.
            start = min(begin, streams.place(name) or 0)
            some = log[start : start + length]
            frame = {"seq": some[-1]["seq"] if some else start, "live": False, "changes": some}
            try:
                await streams.take(name, frame)
            except DoorClosed:
                streams = Streams(APP.plan, store, engine, nowhere)
    out = [body["sum"] for _, body in store.outgoing(1_000)]
    return streams.kept("count"), streams.kept("summary"), len(out)


@settings(max_examples=60)
@given(EVENTS, CUTS)
def test_every_event_counts_once(events: list[tuple[int, int]], cuts: list[tuple[int, int, bool]]) -> None:
    counted, windows, out = asyncio.run(play(events, cuts))
    gauges = {gauge for gauge, _ in events}
    assert counted == {
        f"Gauge:{gauge}": {
            "seqs": [seq for seq, event in enumerate(events, 1) if event[0] == gauge],
            "sum": sum(number for one, number in events if one == gauge),
        }
        for gauge in gauges
    }
    closed = [[minute, 1] for minute in range(1, len(events) - 1)]  # those of the last two are open still
    assert (windows.get("", {}).get("counts", []), out) == (closed, len(events))


def test_a_commit_is_whole_or_not_at_all() -> None:
    store = Store()
    with pytest.raises(TypeError):
        store.commit(Commit("count", Place(9), {"a": {"n": 1}}, out=[{"id": object()}]))
    assert (store.place("count"), store.all_states("count"), store.outgoing(9)) == (Place(), {}, [])


async def test_what_the_city_forgot_is_gone_on_without() -> None:
    store, sent = Store(), []
    streams = Streams(APP.plan, store, Here(APP), nowhere)
    await streams.take("count", {"seq": 7, "live": True, "changes": [change(7, 1, 5)]})

    async def hear(frame: Any) -> None:
        await streams.take("count", frame)

    class Socket:
        async def send(self, text: str) -> None:
            sent.append(text)

    log = Followed(
        "count", ("Gauge",), hear, after=lambda: streams.place("count"), forget=lambda: streams.forget("count")
    )
    feed, socket = Feed(Address.of("/nowhere"), "", [log]), Socket()
    gone = {"op": "error", "id": "count", "problem": {"status": 410}}
    await feed._take(gone, socket)  # type: ignore[arg-type]
    await feed._take({"op": "log", "id": "count", "seq": 99, "live": True, "changes": []}, socket)  # type: ignore[arg-type]
    assert sent == ['{"op": "follow", "id": "count", "types": ["Gauge"], "format": "concise"}']
    assert (streams.place("count"), streams.kept("count")) == (99, {"Gauge:1": {"seqs": [7], "sum": 5}})
