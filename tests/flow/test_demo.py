"""The whole city as one command: two at once, a killed simulator, a clean stop, a supervisor killed."""

from __future__ import annotations

import asyncio
import os
import signal

from madang.engine import control
from tests.flow.demo_process import Demo, alive
from tests.flow.load import every
from tests.waiting import until

QUIET = ("--messages", "100")


async def test_two_cities_at_once_and_a_clean_end() -> None:
    async with Demo("--seconds", "8", "--json", *QUIET) as one, Demo("--seconds", "8", "--json", *QUIET) as two:
        urls = [await one.url(), await two.url()]
        processes = [*one.tree(), *two.tree()]
        folders = {one.run_dir(), two.run_dir()}
        results = await asyncio.gather(one.result(), two.result())
    assert len(set(urls)) == 2 and len(folders) == 2
    assert [result["url"] for result in results] == urls
    assert all(result["entities"] > 1_000 and result["observations"] > 0 for result in results)
    assert alive(processes) == []


async def test_a_killed_simulator_comes_back_and_a_killed_supervisor_leaves_no_orphan() -> None:
    async with Demo(*QUIET) as demo:
        url = await demo.url()
        run_dir = demo.run_dir()

        async def field() -> dict[str, object]:
            return dict((await control.ask(run_dir, {"op": "status"}))["field"])

        async def vehicles() -> dict[str, object]:
            return await every(url, type="Vehicle")

        await until(vehicles, "vehicles drive", 60)
        before = await field()
        os.kill(int(str(before["pid"])), signal.SIGKILL)

        async def again() -> bool:
            now = await field()
            return now["restarts"] == 1 and now["state"] == "running" and now["pid"] != before["pid"]

        await until(again, "the field runs again")
        seen = await vehicles()

        async def moved() -> bool:
            return await vehicles() != seen

        await until(moved, "vehicles drive again", 90)
        processes = demo.tree()
        assert demo.process is not None
        demo.process.kill()
        await demo.process.wait()
        await until(lambda: not alive(processes), "every process ended", 30)
