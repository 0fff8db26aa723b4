"""Counts events by gauge: what the tests of engines and of death run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from madang.sdk import App, value_of

app = App()


@app.each("Gauge", attrs=("n",))
async def count(event: Any, state: dict[str, Any]) -> dict[str, Any]:
    state["seqs"] = [*state.get("seqs", []), event.seq]
    state["sum"] = state.get("sum", 0) + value_of(event.entity["n"])
    return {"id": event.entity["id"].replace("Gauge", "Total"), "type": "Total", "sum": state["sum"]}


@app.window("Gauge", length=timedelta(minutes=1), attrs=("n",))
async def summary(window: Any, state: dict[str, Any]) -> None:
    state.setdefault("counts", []).append([window.begin.minute, len(window.rows())])


if __name__ == "__main__":
    app.run()
